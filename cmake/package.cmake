# cpack: a .deb and a .tar.gz (script/package builds and tries both).

# Who answers for the .deb: who builds it, as Debian's own tools have it. There is no such mailbox where nobody has said it (RFC 2606).
set(maintainer "pgsluice maintainers <maintainers@pgsluice.invalid>")
if(DEFINED ENV{DEBEMAIL} AND DEFINED ENV{DEBFULLNAME})
  set(maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
set(PGSLUICE_MAINTAINER "${maintainer}" CACHE STRING "who answers for the .deb")

set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME pgsluice)
set(CPACK_PACKAGE_VERSION ${PGSLUICE_VERSION})
set(CPACK_PACKAGE_VENDOR pgsluice)
set(CPACK_PACKAGE_CONTACT "${PGSLUICE_MAINTAINER}")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_SOURCE_DIR}/cmake/package_prefix.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/package_files.cmake)
set(CPACK_PGSLUICE_SOURCE_DIR ${CMAKE_SOURCE_DIR})

# Two packages: the program, and what programs of one's own are built with. The .tar.gz has both.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL Unspecified)
if(PGSLUICE_LIBRARY)
  list(APPEND CPACK_COMPONENTS_ALL dev)
endif()
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME pgsluice)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libpgsluice-dev)

# 1.0.0~rc1 is older than 1.0.0.
string(REPLACE - ~ CPACK_DEBIAN_PACKAGE_VERSION ${PGSLUICE_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# Time zones; libarchive and libcurl are loaded when they are needed, where shlibdeps does not see it; nor does it see that packed
# relocations want glibc 2.36. And authorities for https.
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_DEPENDS "libc6 (>= 2.36), tzdata, libarchive13 (>= 3.6), libcurl4 (>= 7.88)")
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SUGGESTS "postgresql-client, bash-completion, libpgsluice-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
# The first line is the summary.
set(CPACK_DEBIAN_UNSPECIFIED_DESCRIPTION
    "fast, restartable bulk loader for PostgreSQL\nLoads CSV into PostgreSQL by COPY on several connections, exactly once: each\nchunk of a file is one transaction, together with its row in a ledger, so that\nthe same command goes on where it stopped.\n\nIt also applies SQL migrations, runs both on a schedule, and takes uploads over\nHTTP.")
set(CPACK_DEBIAN_DEV_DESCRIPTION
    "loads into PostgreSQL from programs of one's own\nThe loader of pgsluice as a static library for C++: files and streams of CSV\ninto a table, in chunks that are stored exactly once, with progress and\ncancelling. Beside it are the pool of connections and the coroutine pieces that\nit is built of, and what CMake's find_package(pgsluice) reads.")
# What libpgsluice.a needs beside it (cmake/library.cmake), and what it loads when it is needed.
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "libpq-dev, libxxhash-dev, zlib1g-dev, liblzma-dev, libbz2-dev, libzstd-dev, liblz4-dev, libssl-dev, libexpat1-dev, libarchive13 (>= 3.6), libcurl4 (>= 7.88)")
if(ISAL_LIBRARY)
  string(APPEND CPACK_DEBIAN_DEV_PACKAGE_DEPENDS ", libisal-dev")
endif()
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "libboost1.81-dev | libboost-dev (>= 1.81)")
set(scripts ${CMAKE_SOURCE_DIR}/share/debian)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

include(CPack)

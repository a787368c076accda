# cpack: a .deb and a .tar.gz (script/package builds and tries both).
set(PGSLUICE_MAINTAINER "pgsluice maintainers <maintainers@pgsluice.invalid>" CACHE STRING "who answers for the .deb")

set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME pgsluice)
set(CPACK_PACKAGE_VERSION ${PGSLUICE_VERSION})
set(CPACK_PACKAGE_VENDOR pgsluice)
set(CPACK_PACKAGE_CONTACT "${PGSLUICE_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "fast, restartable bulk loader for PostgreSQL")
set(CPACK_PACKAGE_DESCRIPTION
    "Loads CSV into PostgreSQL by COPY on several connections, exactly once: each\nchunk of a file is one transaction, together with its row in a ledger, so that\nthe same command goes on where it stopped.\n\nIt also applies SQL migrations, runs both on a schedule, and takes uploads over\nHTTP.")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_SOURCE_DIR}/cmake/package_prefix.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/package_files.cmake)
set(CPACK_PGSLUICE_SOURCE_DIR ${CMAKE_SOURCE_DIR})

# 1.0.0~rc1 is older than 1.0.0.
string(REPLACE - ~ CPACK_DEBIAN_PACKAGE_VERSION ${PGSLUICE_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# Time zones; libarchive and libcurl are loaded when they are needed, where shlibdeps does not see it. And authorities for https.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "tzdata, libarchive13 (>= 3.6), libcurl4 (>= 7.88)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql-client, bash-completion")
set(scripts ${CMAKE_SOURCE_DIR}/share/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

include(CPack)

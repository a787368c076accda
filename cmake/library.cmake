# The library: one archive of what a load needs, its headers, and what find_package(pgsluice) reads.
include(CMakePackageConfigHelpers)

set(folders pgsluice_library load resume plan sniff rejects chunk source s3 http decode writer ledger schema script tuple csv pg async base)
set(library ${CMAKE_BINARY_DIR}/libpgsluice.a)
set(parts "create ${library}\n")
foreach(folder IN LISTS folders)
  string(APPEND parts "addlib $<TARGET_FILE:${folder}>\n")
  # Its users may have another compiler than this one, which reads no intermediate code of it.
  if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${folder} PRIVATE -ffat-lto-objects)
  endif()
endforeach()
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/libpgsluice.mri CONTENT "${parts}save\nend\n")
set(strip "")
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  set(strip COMMAND ${CMAKE_OBJCOPY} --strip-debug -R ".gnu.lto_*" -R ".gnu.debuglto_*" ${library})
endif()
add_custom_command(
  OUTPUT ${library}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${library}
  COMMAND sh -c "exec '${CMAKE_AR}' -M < '${CMAKE_BINARY_DIR}/libpgsluice.mri'"
  ${strip}
  DEPENDS ${folders}
  COMMENT "libpgsluice.a"
  VERBATIM)
add_custom_target(library ALL DEPENDS ${library})

# What it needs beside it, as the linker knows it.
set(PGSLUICE_LINKS pq xxhash z lzma bz2 zstd lz4 crypto expat dl Threads::Threads)
if(ISAL_LIBRARY)
  list(APPEND PGSLUICE_LINKS isal)
endif()
if(NOT PGSLUICE_PORTABLE)
  list(APPEND PGSLUICE_LINKS fmt)
endif()
set(config ${CMAKE_INSTALL_LIBDIR}/cmake/pgsluice)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/pgsluiceConfig.cmake.in ${CMAKE_BINARY_DIR}/pgsluiceConfig.cmake
                              INSTALL_DESTINATION ${config} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pgsluiceConfigVersion.cmake COMPATIBILITY SameMajorVersion)

install(FILES ${library} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(FILES ${CMAKE_BINARY_DIR}/pgsluiceConfig.cmake ${CMAKE_BINARY_DIR}/pgsluiceConfigVersion.cmake DESTINATION ${config} COMPONENT dev)
install(FILES lib/pgsluice/async.hpp lib/pgsluice/load.hpp lib/pgsluice/pool.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pgsluice COMPONENT dev)
# What async.hpp and pool.hpp include.
install(DIRECTORY lib/async lib/base lib/pg DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pgsluice/sluice COMPONENT dev
        FILES_MATCHING PATTERN "*.hpp" PATTERN "pch.hpp" EXCLUDE)

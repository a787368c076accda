# What every target of the house shares: the language, the warnings, the sanitizers, the compiler cache.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What reads a precompiled header is only found again where ccache sees which one that was, and does not ask how old it is.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

add_library(house INTERFACE)
if(CMAKE_CXX_COMPILER_LAUNCHER AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(house INTERFACE -fpch-preprocess)
endif()
target_compile_options(house INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                       -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
# Designated initialisers leave the other members at their defaults on purpose.
target_compile_options(house INTERFACE -Wno-missing-field-initializers)
# GCC takes the promise's own operator delete, which Asio's awaitable inherits, for a mismatch with its operator new.
target_compile_options(house INTERFACE -Wno-mismatched-new-delete)
target_include_directories(house INTERFACE ${CMAKE_SOURCE_DIR}/lib)
# What decides how fmt's headers are read must be the same for all that share a precompiled header.
target_link_libraries(house INTERFACE fmt::fmt)
# One program for several releases of Debian: their libfmt differs, which is compiled in then and not linked.
if(PGSLUICE_PORTABLE)
  target_compile_definitions(house INTERFACE FMT_HEADER_ONLY=1)
  target_link_options(house INTERFACE -Wl,--as-needed)
  # At -O2 GCC 12 finds overlaps in std::string that are not there (-Wrestrict); the other builds keep warnings as errors.
  target_compile_options(house INTERFACE -Wno-error)
endif()
# GCC looks through its memory for what can be given back each time that it has grown by a part: a tenth of the time.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(house INTERFACE --param=ggc-min-heapsize=524288)
endif()
# In several sources that are one to it (CMAKE_UNITY_BUILD), GCC takes a coroutine's frame, which holds types that its file alone
# has, for one that others could see, and a local name for one that hides another file's.
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(house INTERFACE -Wno-subobject-linkage -Wno-shadow)
endif()
if(PGSLUICE_SANITIZE)
  target_compile_options(house INTERFACE -fsanitize=${PGSLUICE_SANITIZE} -fno-omit-frame-pointer
                                         -fno-sanitize-recover=all)
  target_link_options(house INTERFACE -fsanitize=${PGSLUICE_SANITIZE})
  # Instrumented code makes GCC 12 report overflows that are not there; the other builds keep warnings as errors.
  target_compile_options(house INTERFACE -Wno-error)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(house INTERFACE -Wno-maybe-uninitialized -Wno-tsan)
  endif()
endif()

# What sees each byte or value of a file is compiled for speed (the preset's -O2). All else runs once a chunk, or seldom, and is
# compiled for size: two thirds of it. Not by clang, whose builds are not what users run.
set(house_fast base async csv chunk decode source tuple sniff)
function(house_size name)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND NOT name IN_LIST house_fast)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-Os>)
  endif()
endfunction()

# house_library(NAME sources... USES targets...): one folder of lib/ is one target. USES spells the include table of
# ARCHITECTURE.md; tests/tidy checks the #include lines against the same table.
function(house_library name)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC house ${ARG_USES})
  house_size(${name})
endfunction()

# house_pch(target): where Asio would otherwise be read again for each file. It is precompiled once, for pg.
function(house_pch name)
  target_precompile_headers(${name} REUSE_FROM pg)
endfunction()

# house_late_library(target definition file): a library that the program loads when it is needed (base/late_library.hpp), by the
# name in its DT_SONAME, which is the file's without the numbers behind the first.
function(house_late_library target definition file)
  file(REAL_PATH ${file} real)
  string(REGEX REPLACE "^.*/(lib[a-z]+[.]so[.][0-9]+).*$" "\\1" name "${real}")
  if(NOT name MATCHES "^lib[a-z]+[.]so[.][0-9]+$")
    message(FATAL_ERROR "${file} has no name by which it can be loaded when it is needed")
  endif()
  target_compile_definitions(${target} PRIVATE ${definition}="${name}")
endfunction()

# What every target of ours shares: language, warnings, a default build type, ccache.

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  endif()
  find_program(LANEWAY_CCACHE ccache)
  mark_as_advanced(LANEWAY_CCACHE)
  if(LANEWAY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Without this it would not look into its cache for what uses a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${LANEWAY_CCACHE})
  endif()
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
find_package(Threads REQUIRED)

# Warnings are errors for us and never for those who embed us: nothing here is exported.
add_library(laneway_warnings INTERFACE)
target_compile_options(laneway_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
target_compile_features(laneway_warnings INTERFACE cxx_std_20)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  # LANEWAY_CHECK(!"what cannot happen") is meant.
  target_compile_options(laneway_warnings INTERFACE -Wno-string-conversion)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # It takes std::string's own insert for an overlapping copy (GCC bug 105651).
  target_compile_options(laneway_warnings INTERFACE -Wno-restrict)
endif()

# Includes are written from the repository's root: "engine/base/limits.hpp", "tests/...".
add_library(laneway_private INTERFACE)
target_link_libraries(laneway_private INTERFACE laneway_warnings Threads::Threads)
target_include_directories(laneway_private INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/gen)
# Who sees internal headers must agree with the library on these, or inline functions would differ.
target_compile_definitions(laneway_private INTERFACE $<$<CONFIG:Release>:LANEWAY_RELEASE=1>)
if(NOT BUILD_SHARED_LIBS)
  target_compile_definitions(laneway_private INTERFACE LANEWAY_STATIC_DEFINE)
endif()

# The hash of keys is XXH3 when its header is there; only the header is needed, and only by us.
find_path(LANEWAY_XXHASH_DIR xxhash.h)
mark_as_advanced(LANEWAY_XXHASH_DIR)
if(LANEWAY_XXHASH_DIR)
  target_compile_definitions(laneway_private INTERFACE LANEWAY_HAVE_XXHASH=1)
endif()

# The journal: checksums by isa-l, segments through io_uring, where they are found.
find_path(LANEWAY_ISAL_DIR isa-l/crc.h)
find_library(LANEWAY_ISAL_LIBRARY isal)
find_path(LANEWAY_URING_DIR liburing.h)
find_library(LANEWAY_URING_LIBRARY uring)
mark_as_advanced(LANEWAY_ISAL_DIR LANEWAY_ISAL_LIBRARY LANEWAY_URING_DIR LANEWAY_URING_LIBRARY)
set(laneway_journal_libraries "")  # by name: whoever links a static laneway finds them again
if(LANEWAY_ISAL_DIR AND LANEWAY_ISAL_LIBRARY)
  target_compile_definitions(laneway_private INTERFACE LANEWAY_HAVE_ISAL=1)
  list(APPEND laneway_journal_libraries isal)
endif()
if(LANEWAY_URING_DIR AND LANEWAY_URING_LIBRARY)
  target_compile_definitions(laneway_private INTERFACE LANEWAY_HAVE_URING=1)
  list(APPEND laneway_journal_libraries uring)
endif()
target_link_libraries(laneway_private INTERFACE ${laneway_journal_libraries})

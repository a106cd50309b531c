# One look tells what this build has and what it lacks.

if(BUILD_SHARED_LIBS)
  set(kind shared)
else()
  set(kind static)
endif()
if(LANEWAY_XXHASH_DIR)
  set(hash "XXH3 (libxxhash)")
else()
  set(hash "our own (libxxhash was not found)")
endif()

message(STATUS "laneway ${PROJECT_VERSION}, ${kind}, ${CMAKE_BUILD_TYPE}")
message(STATUS "  hash of keys:  ${hash}")
message(STATUS "  program:       ${laneway_program}")
message(STATUS "  tests:         ${laneway_tests}")
message(STATUS "  benchmarks:    ${laneway_bench}")

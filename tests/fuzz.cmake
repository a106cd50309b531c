# libFuzzer programs, fuzz/fuzz_<thing>.cpp with their corpus in fuzz/corpus/<thing>/. They need
# Clang's instrumentation everywhere, which the preset `fuzz` asks for.

add_custom_target(fuzzers)
if(NOT CMAKE_CXX_FLAGS MATCHES "fsanitize=fuzzer-no-link")
  return()
endif()

file(GLOB sources CONFIGURE_DEPENDS fuzz/fuzz_*.cpp)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  string(REPLACE "fuzz_" "" thing ${name})
  set(corpus ${CMAKE_CURRENT_BINARY_DIR}/corpus/${thing})
  file(MAKE_DIRECTORY ${corpus})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE laneway_private)
  foreach(room IN LISTS laneway_rooms ITEMS engine)
    if(TARGET laneway_${room})
      target_link_libraries(${name} PRIVATE laneway_${room})
    endif()
  endforeach()
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  # New inputs go to the build folder; the committed corpus is read only.
  add_test(NAME ${name} COMMAND ${name} -max_total_time=30 -print_final_stats=1
    ${corpus} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${thing})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  add_dependencies(fuzzers ${name})
endforeach()

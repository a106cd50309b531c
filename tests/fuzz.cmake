# libFuzzer programs, fuzz/fuzz_<thing>.cpp with their corpus in fuzz/corpus/<thing>/. They need
# Clang's instrumentation everywhere, which the preset `fuzz` asks for.

add_custom_target(fuzzers)
if(NOT CMAKE_CXX_FLAGS MATCHES "fsanitize=fuzzer-no-link")
  return()
endif()

# One that does not run at a usual pace has met a hang: floors are far below it.
set(floor_of_api 500)
set(floor_of_journal 2000)
set(floor_of_keys 5000)
set(floor_of_records 20000)

# Of the program these need a few sources, the others the engine.
set(sources_of_keys key_extractor regex_key quantity text)
set(sources_of_records record_splitter)

file(GLOB sources CONFIGURE_DEPENDS fuzz/fuzz_*.cpp)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  string(REPLACE "fuzz_" "" thing ${name})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE laneway_private)
  if(DEFINED sources_of_${thing})
    list(TRANSFORM sources_of_${thing} PREPEND ${PROJECT_SOURCE_DIR}/tools/run/)
    list(TRANSFORM sources_of_${thing} APPEND .cpp)
    target_sources(${name} PRIVATE ${sources_of_${thing}})
    target_link_libraries(${name} PRIVATE fmt::fmt)
  else()
    target_link_libraries(${name} PRIVATE laneway::laneway)
  endif()
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  # New inputs go to the build folder; the committed corpus is read only.
  add_test(NAME ${name} COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/run.py $<TARGET_FILE:${name}>
    ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${thing} ${CMAKE_CURRENT_BINARY_DIR}/corpus/${thing}
    ${floor_of_${thing}})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 1000)
  add_dependencies(fuzzers ${name})
endforeach()

# The judge of histories: standard library only, for the program, the tests and the benchmarks.

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/check/*.cpp)
add_library(laneway_check STATIC EXCLUDE_FROM_ALL ${sources})
target_include_directories(laneway_check PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(laneway_check PRIVATE laneway_warnings)
set_target_properties(laneway_check PROPERTIES CXX_EXTENSIONS OFF)

# The program `laneway`: public headers only, built when what it stands on is installed.

set(laneway_program "not built: no sources")
file(GLOB sources CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/tools/*.cpp ${PROJECT_SOURCE_DIR}/tools/run/*.cpp)
if(NOT PROJECT_IS_TOP_LEVEL OR NOT sources)
  return()
endif()

find_package(CLI11 QUIET)
find_package(fmt QUIET)
find_package(nlohmann_json QUIET)
foreach(package CLI11 fmt nlohmann_json)
  if(NOT ${package}_FOUND)
    set(laneway_program "not built: ${package} was not found")
    return()
  endif()
endforeach()

set(laneway_program "built")
add_executable(laneway_tool ${sources})
set_target_properties(laneway_tool PROPERTIES OUTPUT_NAME laneway CXX_EXTENSIONS OFF)
target_include_directories(laneway_tool PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(laneway_tool PRIVATE
  laneway::laneway laneway_warnings Threads::Threads CLI11::CLI11 fmt::fmt
  nlohmann_json::nlohmann_json)

# The program `laneway`, built when what it stands on is installed: public headers only, but for the
# part that reads journals, which needs their room of the engine.

set(laneway_program "not built: no sources")
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/*.cpp)
file(GLOB run_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/run/*.cpp)
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
# Everything but main(), so that the unit tests link it too.
file(GLOB journal_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/journal/*.cpp)
add_library(laneway_run OBJECT ${run_sources} ${journal_sources})
target_include_directories(laneway_run PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(laneway_run PUBLIC
  laneway::laneway laneway_private $<$<CONFIG:Debug>:laneway_unoptimised>
  Threads::Threads CLI11::CLI11 fmt::fmt nlohmann_json::nlohmann_json)
# Reading and reporting wait for the input and for commands; what must be fast is the engine's.
target_compile_options(laneway_run PRIVATE $<$<CONFIG:Release>:-O1>)
# Nothing of it is exported: said in the build of the shared library too, one ccache serves both.
target_compile_definitions(laneway_run PRIVATE LANEWAY_STATIC_DEFINE)
set_target_properties(laneway_run PROPERTIES CXX_EXTENSIONS OFF)

add_executable(laneway_tool ${sources})
set_target_properties(laneway_tool PROPERTIES OUTPUT_NAME laneway CXX_EXTENSIONS OFF)
target_compile_definitions(laneway_tool PRIVATE LANEWAY_VERSION="${PROJECT_VERSION}")
target_link_libraries(laneway_tool PRIVATE
  laneway_run laneway_check laneway_journal)
foreach(room base concurrent)
  if(TARGET laneway_${room})
    target_link_libraries(laneway_tool PRIVATE laneway_${room})
  endif()
endforeach()

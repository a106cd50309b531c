# The model checker's programs. They compile the engine's headers with another backend for atomics
# (LANEWAY_MODEL=1), so linking the library as well would give two definitions of the same function
# and no message: a check below refuses it.

add_custom_target(models)
file(GLOB sources CONFIGURE_DEPENDS model/model_*.cpp)
if(NOT LANEWAY_RELACY_DIR)
  message(STATUS "laneway: models are left out, relacy/relacy.hpp was not found")
  return()
elseif(sanitized)
  return()  # Relacy runs its own fibers, which sanitizers take for broken stacks.
endif()

function(laneway_refuse_library name)
  get_target_property(libraries ${name} LINK_LIBRARIES)
  foreach(library IN LISTS libraries)
    if(library MATCHES "^laneway" AND NOT library STREQUAL "laneway_warnings")
      message(FATAL_ERROR "${name} links ${library}: a model never links the engine")
    endif()
  endforeach()
endfunction()

foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(${name} ${source})
  target_compile_definitions(${name} PRIVATE LANEWAY_MODEL=1 LANEWAY_STATIC_DEFINE)
  target_compile_options(${name} PRIVATE -O2 -fno-sized-deallocation)
  # Relacy's `$` and its names cross into the seam as macros.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:Clang>:-Wno-dollar-in-identifier-extension>)
  target_include_directories(${name} SYSTEM PRIVATE ${LANEWAY_RELACY_DIR})
  target_include_directories(${name} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/gen)
  target_link_libraries(${name} PRIVATE laneway_warnings Threads::Threads)
  laneway_add_test(${name} model)
  add_dependencies(models ${name})
  cmake_language(EVAL CODE "cmake_language(DEFER CALL laneway_refuse_library ${name})")
endforeach()

# The model checker's programs. They compile the engine's headers with another backend for atomics
# (LANEWAY_MODEL=1), so linking the library as well would give two definitions of the same function
# and no message: laneway_refuse_library() sees to it. They take long to compile, so only the target `models`
# builds them, as the preset `model` does; the other presets leave their tests out.

add_custom_target(models)
file(GLOB sources CONFIGURE_DEPENDS model/model_*.cpp)
if(NOT LANEWAY_RELACY_DIR)
  message(STATUS "laneway: models are left out, relacy/relacy.hpp was not found")
  return()
elseif(sanitized)
  return()  # Relacy runs its own fibers, which sanitizers take for broken stacks.
endif()

# Linked after the warnings, so that it can take one back: Relacy's macro `$` is used in the seam.
add_library(laneway_relacy INTERFACE)
target_include_directories(laneway_relacy SYSTEM INTERFACE ${LANEWAY_RELACY_DIR})
target_compile_definitions(laneway_relacy INTERFACE LANEWAY_MODEL=1 LANEWAY_STATIC_DEFINE)
target_compile_options(laneway_relacy INTERFACE -O1 -fno-sized-deallocation
  $<$<CXX_COMPILER_ID:Clang>:-Wno-dollar-in-identifier-extension>)

foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_include_directories(${name} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/gen)
  target_link_libraries(${name} PRIVATE laneway_warnings laneway_relacy Threads::Threads)
  laneway_add_test(${name} model)
  add_dependencies(models ${name})
  cmake_language(EVAL CODE "cmake_language(DEFER CALL laneway_refuse_library ${name})")
endforeach()

# The protocol as a whole, in spin's language: no code of the engine.
find_program(LANEWAY_SPIN spin)
mark_as_advanced(LANEWAY_SPIN)
if(LANEWAY_SPIN)
  add_test(NAME protocol_delivery COMMAND python3
    ${CMAKE_CURRENT_SOURCE_DIR}/protocol/check_delivery.py ${CMAKE_CURRENT_BINARY_DIR}/protocol)
  set_tests_properties(protocol_delivery PROPERTIES LABELS "gate;model" TIMEOUT 300)
else()
  message(STATUS "laneway: the protocol's model is left out, spin was not found")
endif()

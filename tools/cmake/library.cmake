# The library. Each room of engine/ is one object library, so that a unit test links its own room and
# the floors below it, hidden symbols included, and a wrong dependency does not link.

file(GLOB laneway_rooms CONFIGURE_DEPENDS LIST_DIRECTORIES true
  RELATIVE ${PROJECT_SOURCE_DIR}/engine ${PROJECT_SOURCE_DIR}/engine/*)
list(FILTER laneway_rooms EXCLUDE REGEX "\\.")
set(laneway_objects "")

function(laneway_add_objects name glob)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${glob})
  if(NOT sources)
    return()
  endif()
  add_library(${name} OBJECT ${sources})
  target_link_libraries(${name} PRIVATE laneway_private)
  # The engine itself turns bad_alloc into an Error, also in a build without exceptions.
  target_compile_options(${name} PRIVATE -fexceptions)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  set(laneway_objects ${laneway_objects} $<TARGET_OBJECTS:${name}> PARENT_SCOPE)
endfunction()

foreach(room IN LISTS laneway_rooms)
  laneway_add_objects(laneway_${room} "engine/${room}/*.cpp")
endforeach()
laneway_add_objects(laneway_engine "engine/*.cpp")

if(NOT laneway_objects)
  file(WRITE ${PROJECT_BINARY_DIR}/gen/nothing.cpp "")
  set(laneway_objects ${PROJECT_BINARY_DIR}/gen/nothing.cpp)
endif()

add_library(laneway ${laneway_objects})
add_library(laneway::laneway ALIAS laneway)
target_compile_features(laneway PUBLIC cxx_std_20)
target_link_libraries(laneway PRIVATE Threads::Threads ${laneway_journal_libraries})
set_target_properties(laneway PROPERTIES
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON
  VERIFY_INTERFACE_HEADER_SETS ON)
if(NOT BUILD_SHARED_LIBS)
  target_compile_definitions(laneway PUBLIC LANEWAY_STATIC_DEFINE)
endif()

include(GenerateExportHeader)
generate_export_header(laneway
  EXPORT_MACRO_NAME LANEWAY_EXPORT
  STATIC_DEFINE LANEWAY_STATIC_DEFINE
  EXPORT_FILE_NAME ${PROJECT_BINARY_DIR}/gen/laneway/export.h)

file(GLOB laneway_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/laneway/*.hpp)
target_sources(laneway PUBLIC FILE_SET HEADERS
  BASE_DIRS ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/gen
  FILES ${laneway_headers} ${PROJECT_BINARY_DIR}/gen/laneway/export.h)

# laneway::prometheus: metrics as Prometheus reads them, over the public headers alone. Always
# static: it is glue, and the library itself stays without dependencies.

set(laneway_prometheus "not built: prometheus-cpp was not found")
find_package(prometheus-cpp QUIET)
if(NOT TARGET prometheus-cpp::core)
  return()
endif()
set(laneway_prometheus "built")

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/prometheus/*.cpp)
add_library(laneway_prometheus STATIC ${sources})
add_library(laneway::prometheus ALIAS laneway_prometheus)
target_include_directories(laneway_prometheus PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_definitions(laneway_prometheus PRIVATE LANEWAY_VERSION="${PROJECT_VERSION}")
target_link_libraries(laneway_prometheus
  PUBLIC laneway PRIVATE prometheus-cpp::core $<BUILD_INTERFACE:laneway_warnings>)
target_sources(laneway_prometheus PUBLIC FILE_SET HEADERS
  BASE_DIRS ${PROJECT_SOURCE_DIR}/tools/prometheus/include
  FILES ${PROJECT_SOURCE_DIR}/tools/prometheus/include/laneway/prometheus.hpp)
set_target_properties(laneway_prometheus PROPERTIES
  EXPORT_NAME prometheus
  CXX_EXTENSIONS OFF
  POSITION_INDEPENDENT_CODE ON
  VERIFY_INTERFACE_HEADER_SETS ON)

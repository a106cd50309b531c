# What `cmake --install` lays down: library, headers, program, CMake package, pkg-config file.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/laneway)

install(TARGETS laneway EXPORT lanewayTargets
  LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
  ARCHIVE COMPONENT dev
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(EXPORT lanewayTargets NAMESPACE laneway:: DESTINATION ${package_dir} COMPONENT dev)
if(TARGET laneway_prometheus)
  install(TARGETS laneway_prometheus EXPORT lanewayPrometheusTargets
    ARCHIVE COMPONENT dev
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
  install(EXPORT lanewayPrometheusTargets NAMESPACE laneway::
    DESTINATION ${package_dir} COMPONENT dev)
endif()
if(TARGET laneway_tool)
  install(TARGETS laneway_tool RUNTIME COMPONENT tool)
endif()

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/lanewayConfig.cmake.in
  ${PROJECT_BINARY_DIR}/gen/cmake/lanewayConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/gen/cmake/lanewayConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/gen/cmake/lanewayConfig.cmake
  ${PROJECT_BINARY_DIR}/gen/cmake/lanewayConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT dev)

# A static library needs -pthread from whoever links it and the macro that makes its symbols plain.
if(BUILD_SHARED_LIBS)
  set(laneway_pc_cflags "")
else()
  set(laneway_pc_cflags "-DLANEWAY_STATIC_DEFINE")
endif()
list(TRANSFORM laneway_journal_libraries PREPEND " -l" OUTPUT_VARIABLE laneway_pc_libraries)
string(JOIN "" laneway_pc_libraries ${laneway_pc_libraries})
# The prefix is written relative to the file, so that an installed tree can be moved.
set(laneway_pc_prefix ${CMAKE_INSTALL_PREFIX})
cmake_path(RELATIVE_PATH laneway_pc_prefix BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
configure_file(${CMAKE_CURRENT_LIST_DIR}/laneway.pc.in ${PROJECT_BINARY_DIR}/gen/laneway.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gen/laneway.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
if(TARGET laneway_prometheus)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/laneway-prometheus.pc.in
    ${PROJECT_BINARY_DIR}/gen/laneway-prometheus.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/gen/laneway-prometheus.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endif()

# `cmake --install`: the public face, the libraries behind it, the programs.
include(CMakePackageConfigHelpers)

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/leasehold)

install(DIRECTORY include/leasehold TYPE INCLUDE)
# What the public face includes of the messages, and nothing else.
install(FILES messages/enums.hpp messages/errors.hpp messages/ids.hpp
              messages/finding.hpp
              messages/result.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/leasehold/messages)
install(TARGETS leasehold leasehold_drivers leasehold_messages
                leasehold_storage leasehold_worker_check
  EXPORT leaseholdTargets ARCHIVE LIBRARY)
install(TARGETS leasehold-guard leasehold-bubblewrap
  DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/leasehold)
if(LEASEHOLD_BUILD_CLI)
  install(TARGETS leasehold_program RUNTIME)
endif()

install(EXPORT leaseholdTargets NAMESPACE leasehold:: DESTINATION ${_package})
configure_package_config_file(cmake/leaseholdConfig.cmake.in
  ${PROJECT_BINARY_DIR}/leaseholdConfig.cmake
  INSTALL_DESTINATION ${_package})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/leaseholdConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/leaseholdConfig.cmake
              ${PROJECT_BINARY_DIR}/leaseholdConfigVersion.cmake
  DESTINATION ${_package})

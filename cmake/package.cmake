# cmake --install --component library: headers, static libraries and what find_package(onecycle) reads, with the components
#
#   library    onecycle::onecycle, the default: all of it
#   predictor  onecycle::predictor, which needs neither yaml-cpp nor SQLite
#   schedule   onecycle::schedule, which needs no LibTorch
#
# Nothing in the folder names a path of this machine: it may be moved, and finds LibTorch where it is used.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# onecycle_export(COMPONENT TARGETS...)
function(onecycle_export component)
  install(TARGETS ${ARGN} EXPORT onecycle-${component} INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library)
  install(EXPORT onecycle-${component} NAMESPACE onecycle:: COMPONENT library
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/onecycle")
endfunction()

set_target_properties(onecycle_schedule PROPERTIES EXPORT_NAME schedule)
set_target_properties(onecycle_network PROPERTIES EXPORT_NAME predictor)
set(schedule core options schedule)
set(predictor formats kernels nn data optim tasks models network)
set(library ${ONECYCLE_LIBRARY_MODULES})
list(REMOVE_ITEM library ${schedule} ${predictor})
foreach(component IN ITEMS schedule predictor library)
  list(TRANSFORM ${component} PREPEND onecycle_)
  onecycle_export(${component} ${${component}})
endforeach()
install(TARGETS onecycle EXPORT onecycle-library COMPONENT library)

set(files "${PROJECT_BINARY_DIR}/package")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/onecycle-config.cmake.in" "${files}/onecycle-config.cmake"
  INSTALL_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/onecycle" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${files}/onecycle-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${files}/onecycle-config.cmake" "${files}/onecycle-config-version.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/libtorch.cmake" "${CMAKE_CURRENT_LIST_DIR}/packages.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/library_packages.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/cudart.cmake"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/onecycle" COMPONENT library)
install(DIRECTORY include/onecycle DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT library)

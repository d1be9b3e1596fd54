# How other builds find the library for actors: pkg-config and find_package(earshot).
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/earshot)
configure_package_config_file(library/earshotConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/earshotConfig.cmake INSTALL_DESTINATION ${package}
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/earshotConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/earshotConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/earshotConfigVersion.cmake DESTINATION ${package}
        COMPONENT dev)

# Whoever moves the tree as a whole moves this too.
file(RELATIVE_PATH prefix_from_pc /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
configure_file(library/earshot.pc.in ${CMAKE_CURRENT_BINARY_DIR}/earshot.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/earshot.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

# cmake --install: the front end, the engine under the name of its kind, and what they find beside them. Nothing in the
# folder names a path of this machine: src/front looks for LibTorch.

include(GNUInstallDirs)

set(kind cpu)
if(ONECYCLE_TORCH_HAS_GPU)
  set(kind cuda)
endif()
install(TARGETS onecycle_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS onecycle_engine RUNTIME DESTINATION libexec)
install(CODE "
  set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/libexec\")
  file(RENAME \"\${folder}/onecycle\" \"\${folder}/onecycle-${kind}\")")
install(DIRECTORY datasets recipes DESTINATION "${CMAKE_INSTALL_DATADIR}/onecycle")
install(FILES LICENSE README.md DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/onecycle")

if(SKBUILD)
  install(PROGRAMS "$<TARGET_FILE:onecycle_program>" DESTINATION "${SKBUILD_SCRIPTS_DIR}")
  if(ONECYCLE_CPU_ENGINE)
    install(PROGRAMS "${ONECYCLE_CPU_ENGINE}" DESTINATION libexec RENAME onecycle-cpu)
  endif()
endif()

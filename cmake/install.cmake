# cmake --install --component program: the front end, the engine under the name of its kind, and what they find beside them. Nothing in the
# folder names a path of this machine: src/front looks for LibTorch.

include(GNUInstallDirs)

set(kind cpu)
if(ONECYCLE_TORCH_HAS_GPU)
  set(kind cuda)
endif()
install(TARGETS onecycle_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
install(TARGETS onecycle_engine RUNTIME DESTINATION libexec COMPONENT program)
install(CODE "
  set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/libexec\")
  file(RENAME \"\${folder}/onecycle\" \"\${folder}/onecycle-${kind}\")" COMPONENT program)
install(DIRECTORY datasets recipes weights DESTINATION "${CMAKE_INSTALL_DATADIR}/onecycle" COMPONENT program)
install(FILES LICENSE README.md DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/onecycle" COMPONENT program)

if(SKBUILD)
  install(PROGRAMS "$<TARGET_FILE:onecycle_program>" DESTINATION "${SKBUILD_SCRIPTS_DIR}" COMPONENT program)
  if(ONECYCLE_CPU_ENGINE)
    install(PROGRAMS "${ONECYCLE_CPU_ENGINE}" DESTINATION libexec RENAME onecycle-cpu COMPONENT program)
  endif()
endif()

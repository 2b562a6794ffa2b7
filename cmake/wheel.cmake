# A Python wheel, as scikit-build-core asks for it (pyproject.toml): the program alone, with the torch that is installed.
# It is laid out as any other prefix, site-packages/onecycle, and the front end once more among the scripts.

set(ONECYCLE_TESTS OFF)
set(ONECYCLE_RELOCATABLE ON)
set(ONECYCLE_CPU_ENGINE "" CACHE FILEPATH "An engine without CUDA, for a wheel that serves both kinds of torch")

if(NOT ONECYCLE_TORCH_SITE)
  execute_process(COMMAND "${Python_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/python/build_metadata.py"
                  OUTPUT_VARIABLE site OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ONECYCLE_TORCH_SITE "${site}" CACHE PATH "" FORCE)
endif()

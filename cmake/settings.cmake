# What ./onecycle takes from the environment and a build by hand, or by pip, takes from there too; -D is stronger.

# onecycle_setting(NAME TYPE DEFAULT TEXT)
function(onecycle_setting name type default text)
  if(NOT "$ENV{${name}}" STREQUAL "")
    set(default "$ENV{${name}}")
  endif()
  set(${name} "${default}" CACHE ${type} "${text}")
endfunction()

onecycle_setting(ONECYCLE_TORCH_SITE PATH "" "Python site-packages folder that holds the torch wheel")
onecycle_setting(ONECYCLE_CUDA STRING AUTO "CUDA kernels: AUTO (when an nvcc is found), ON, OFF")
onecycle_setting(ONECYCLE_CUDA_ARCHITECTURES STRING native
                 "GPU architectures of the kernels: native (of the GPUs here, all where there is none), all, or a list for CMake")

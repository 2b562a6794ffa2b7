# onecycle_cudart: the CUDA runtime, linked dynamically: the same file that LibTorch loads. The installed package brings
# this file along.

add_library(onecycle_cudart INTERFACE IMPORTED GLOBAL)
if(TARGET torch_cudart)
  target_link_libraries(onecycle_cudart INTERFACE torch_cudart)
  target_include_directories(onecycle_cudart SYSTEM INTERFACE "${ONECYCLE_TORCH_SITE}/nvidia/cu13/include")
else()
  find_package(CUDAToolkit 13 REQUIRED)
  target_link_libraries(onecycle_cudart INTERFACE CUDA::cudart)
endif()

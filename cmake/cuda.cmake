# CUDA kernels. Sets ONECYCLE_HAS_CUDA, ONECYCLE_CUDA_SUMMARY and, with CUDA, onecycle_cudart (cudart.cmake).
#
# Only nvcc is needed, not a GPU: an installed toolkit (13.x) first, else the one of PyPI's nvidia-cuda-nvcc.

set(ONECYCLE_NVCC "" CACHE FILEPATH "The CUDA compiler, where it is not to be looked for")
set(ONECYCLE_HAS_CUDA OFF)
set(ONECYCLE_CUDA_SUMMARY "off (ONECYCLE_CUDA=OFF)")

# Sets RESULT to the first nvcc of release 13.
function(onecycle_find_nvcc result)
  set(candidates "${CMAKE_CUDA_COMPILER}" "${ONECYCLE_NVCC}" "$ENV{CUDACXX}")
  find_program(in_path nvcc PATHS "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin NO_CACHE)
  list(APPEND candidates "${in_path}")
  if(ONECYCLE_TORCH_SITE)
    list(APPEND candidates "${ONECYCLE_TORCH_SITE}/nvidia/cu13/bin/nvcc")
  endif()
  foreach(nvcc IN LISTS candidates)
    if(nvcc AND EXISTS "${nvcc}")
      execute_process(COMMAND "${nvcc}" --version OUTPUT_VARIABLE version ERROR_QUIET)
      if(version MATCHES "release 13[.]")
        set(${result} "${nvcc}" PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()

# Sets RESULT to the list for CMake, and TEXT to words for it.
function(onecycle_cuda_architectures result text)
  set(all "80-real;90-real;100-real;120")  # 80 serves 86 and 89 as well, PTX of the last serves newer ones
  set(wanted "${ONECYCLE_CUDA_ARCHITECTURES}")
  set(words "architectures ${wanted}")
  if(wanted STREQUAL "native")
    execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader
                    OUTPUT_VARIABLE capabilities ERROR_QUIET)
    string(REGEX MATCHALL "[0-9]+[.][0-9]" wanted "${capabilities}")
    list(REMOVE_DUPLICATES wanted)
    list(TRANSFORM wanted REPLACE "[.]" "")
    set(words "of the GPU here: ${wanted}")
    if(NOT wanted)
      set(wanted all)
      set(words "no GPU here, so for all architectures; ONECYCLE_CUDA_ARCHITECTURES=90 builds for one in less time")
    endif()
  endif()
  if(wanted STREQUAL "all")
    set(wanted "${all}")
  endif()
  set(${result} "${wanted}" PARENT_SCOPE)
  set(${text} "${words}" PARENT_SCOPE)
endfunction()

if(NOT ONECYCLE_CUDA STREQUAL "OFF")
  onecycle_find_nvcc(nvcc)
  if(nvcc)
    set(CMAKE_CUDA_COMPILER "${nvcc}")
    set(CMAKE_CUDA_RUNTIME_LIBRARY None)
    # PyPI's nvcc looks for lib64 beside it, and its packages have lib: CMake's test of the compiler links with that.
    cmake_path(GET nvcc PARENT_PATH toolkit)
    cmake_path(GET toolkit PARENT_PATH toolkit)
    if(NOT EXISTS "${toolkit}/lib64")
      set(ENV{LIBRARY_PATH} "${toolkit}/lib:$ENV{LIBRARY_PATH}")
    endif()
    # LibTorch's CUDA headers include crt/ and nv/, which no package that torch asks for has.
    if(ONECYCLE_TORCH_HAS_GPU AND ONECYCLE_TORCH_SITE AND EXISTS "${toolkit}/include/crt"
       AND NOT EXISTS "${ONECYCLE_TORCH_SITE}/nvidia/cu13/include/crt")
      target_include_directories(onecycle_torch SYSTEM INTERFACE "${toolkit}/include")
    endif()
    onecycle_cuda_architectures(CMAKE_CUDA_ARCHITECTURES words)
    enable_language(CUDA)
    set(ONECYCLE_HAS_CUDA ON)
    set(ONECYCLE_CUDA_SUMMARY "on (${nvcc}, ${CMAKE_CUDA_COMPILER_VERSION}; ${words})")

    include(cudart)
  elseif(ONECYCLE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ONECYCLE_CUDA=ON, but no nvcc of CUDA 13 was found (PATH, CUDACXX, CUDA_HOME, /usr/local/cuda, "
                        "nvidia-cuda-nvcc beside the torch wheel)")
  else()
    set(ONECYCLE_CUDA_SUMMARY "off (no nvcc of CUDA 13 found)")
  endif()
endif()

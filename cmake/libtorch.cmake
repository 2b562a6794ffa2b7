# LibTorch. Defines
#
#   onecycle_torch          interface target: headers, libraries, definitions
#   ONECYCLE_TORCH_HAS_GPU  whether libtorch_cuda and all it needs can be loaded
#   ONECYCLE_TORCH_MINOR    "2.11"
#   ONECYCLE_TORCH_SUMMARY  one phrase for the configure log
#
# A LibTorch that the user names (Torch_DIR, CMAKE_PREFIX_PATH) goes through its own package file. The PyPI
# wheel does not: its package file fails without a CUDA toolkit and under C++20 with CMake 3.25, so targets
# are made here from the wheel's own folders. The installed package brings this file along.

add_library(onecycle_torch INTERFACE IMPORTED GLOBAL)
option(ONECYCLE_TORCH_CUDA "Use the CUDA of the torch wheel; without, the program runs beside any kind of it" ON)

function(onecycle_torch_from_package)
  if(NOT TORCH_CUDA_ARCH_LIST)
    set(TORCH_CUDA_ARCH_LIST "8.0")  # keeps its GPU probe, which compiles and runs a program, from starting
  endif()
  find_package(Torch 2.11 QUIET)
  if(NOT Torch_FOUND)
    message(FATAL_ERROR "no LibTorch 2.11 or newer: ./onecycle and tests/run find or install one; with CMake alone, pass "
                        "-DTorch_DIR=… or -DONECYCLE_TORCH_SITE=(site-packages folder of the torch wheel)")
  endif()
  target_link_libraries(onecycle_torch INTERFACE ${TORCH_LIBRARIES})
  target_include_directories(onecycle_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  separate_arguments(flags NATIVE_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(onecycle_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${flags}>)
  find_library(omp NAMES libgomp.so.1 PATHS "${TORCH_INSTALL_PREFIX}/lib" NO_DEFAULT_PATH NO_CACHE)
  if(omp)
    target_link_libraries(onecycle_torch INTERFACE "${omp}")
  endif()
  set(ONECYCLE_TORCH_HAS_GPU "${TORCH_CUDA_LIBRARIES}" PARENT_SCOPE)
  set(ONECYCLE_TORCH_VERSION "${Torch_VERSION}" PARENT_SCOPE)
  set(ONECYCLE_TORCH_SUMMARY "${Torch_VERSION} from ${TORCH_INSTALL_PREFIX}" PARENT_SCOPE)
endfunction()

# onecycle_import(NAME FILE): a shared library of the wheel as an imported target.
function(onecycle_import name file)
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "the torch wheel is incomplete: ${file} is missing")
  endif()
  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION "${file}")
endfunction()

function(onecycle_torch_from_wheel site)
  file(STRINGS "${site}/torch/version.py" version REGEX "^__version__")
  string(REGEX MATCH "[0-9]+[.][0-9]+[.][0-9]+[a-z0-9+]*" version "${version}")
  if(version VERSION_LESS 2.11)
    message(FATAL_ERROR "torch ${version} in ${site} is too old: 2.11 or newer is needed")
  endif()
  set(lib "${site}/torch/lib")
  set(cuda "${site}/nvidia/cu13")

  onecycle_import(torch_c10 "${lib}/libc10.so")
  onecycle_import(torch_cpu "${lib}/libtorch_cpu.so")
  # The wheel's own OpenMP runtime: linking it by path keeps the system's out of the process.
  onecycle_import(torch_gomp "${lib}/libgomp.so.1")
  target_link_libraries(onecycle_torch INTERFACE torch_cpu torch_c10 torch_gomp)
  target_include_directories(onecycle_torch SYSTEM INTERFACE
    "${site}/torch/include" "${site}/torch/include/torch/csrc/api/include")
  target_compile_definitions(onecycle_torch INTERFACE USE_DISTRIBUTED USE_C10D_GLOO)

  set(kind "processor only")
  if(NOT ONECYCLE_TORCH_CUDA)
    set(cuda "")
  endif()
  if(cuda AND EXISTS "${cuda}/lib/libcudart.so.13")
    onecycle_import(torch_cudart "${cuda}/lib/libcudart.so.13")
    onecycle_import(torch_c10_cuda "${lib}/libc10_cuda.so")
    target_link_libraries(onecycle_torch INTERFACE torch_c10_cuda torch_cudart)
    target_include_directories(onecycle_torch SYSTEM INTERFACE "${cuda}/include")
    set(kind "slim wheel")
  endif()
  if(cuda AND EXISTS "${cuda}/lib/libcublas.so.13" AND EXISTS "${site}/nvidia/nccl" AND EXISTS "${site}/nvidia/cudnn")
    onecycle_import(torch_cuda "${lib}/libtorch_cuda.so")
    # Nothing of ours names a symbol of it: it registers the CUDA kernels when it is loaded.
    target_link_libraries(onecycle_torch INTERFACE
      -Wl,--push-state,--no-as-needed $<TARGET_FILE:torch_cuda> -Wl,--pop-state)
    target_include_directories(onecycle_torch SYSTEM INTERFACE "${site}/nvidia/nccl/include")
    target_compile_definitions(onecycle_torch INTERFACE USE_C10D_NCCL)
    set(kind "full wheel")
    set(ONECYCLE_TORCH_HAS_GPU ON PARENT_SCOPE)
  endif()
  # For the symbols that these libraries need from one another.
  target_link_options(onecycle_torch INTERFACE "-Wl,-rpath-link,${lib}:${site}/nvidia/cu13/lib")
  # What its headers' assertions print names a header, not a folder of this machine.
  target_compile_options(onecycle_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fmacro-prefix-map=${site}/torch/include/=>)
  set(ONECYCLE_TORCH_VERSION "${version}" PARENT_SCOPE)
  set(ONECYCLE_TORCH_SUMMARY "${version} (${kind}) from ${site}" PARENT_SCOPE)
endfunction()

set(ONECYCLE_TORCH_HAS_GPU OFF)
if(ONECYCLE_TORCH_SITE)
  onecycle_torch_from_wheel("${ONECYCLE_TORCH_SITE}")
else()
  onecycle_torch_from_package()
endif()

# Programs run with any patch release of the minor one that they were built with.
string(REGEX MATCH "^[0-9]+[.][0-9]+" ONECYCLE_TORCH_MINOR "${ONECYCLE_TORCH_VERSION}")

# at::parallel_for is a template that runs serially wherever _OPENMP is not defined. Only the compiler flag:
# the runtime that is linked is LibTorch's.
target_compile_options(onecycle_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)

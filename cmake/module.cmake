# The modules of src/ and the program.

# One precompiled header serves every file that uses LibTorch. All of them keep its optimisation level: with
# another, g++ 12 crashes.
file(WRITE "${PROJECT_BINARY_DIR}/pch/pch.cpp" "")
add_library(onecycle_pch OBJECT "${PROJECT_BINARY_DIR}/pch/pch.cpp")
target_link_libraries(onecycle_pch PRIVATE onecycle_compile_options onecycle_torch)
target_precompile_headers(onecycle_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch.h")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # ccache preprocesses each file, which g++ otherwise does without the precompiled header.
  target_compile_options(onecycle_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  # g++ looks for garbage among LibTorch's declarations, and finds none: a tenth of a file's time.
  target_compile_options(onecycle_torch INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:--param ggc-min-heapsize=1500000>")
endif()

# Links TARGET, whose code sees src/, to LINKS; the name of a module or of a library of packages.cmake or headers.cmake goes
# without "onecycle_".
function(onecycle_link target visibility)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  foreach(name IN LISTS ARGN)
    if(name MATCHES "^(json|fmt|cxxopts|stb)$")
      set(name $<BUILD_INTERFACE:onecycle_${name}>)
    elseif(name IN_LIST ONECYCLE_MODULES OR TARGET onecycle_${name})
      set(name onecycle_${name})
    endif()
    target_link_libraries(${target} ${visibility} ${name})
  endforeach()
endfunction()

# Gives TARGET LibTorch and the precompiled header.
function(onecycle_use_torch target visibility)
  target_link_libraries(${target} ${visibility} onecycle_torch)
  target_precompile_headers(${target} REUSE_FROM onecycle_pch)
endfunction()

# onecycle_module(NAME SOURCES a.cpp... [LINKS core yaml...] [TORCH]
#               [CUDA_SOURCES x.cu y_cuda.cpp...] [NO_CUDA_SOURCES x_no_cuda.cpp...])
#
# The static library onecycle_NAME from the files of src/NAME. LINKS: modules (core, schedule...) and the
# libraries of packages.cmake (yaml, json, fmt, cxxopts, zlib), public. TORCH: it includes LibTorch.
# CUDA_SOURCES are compiled with CUDA kernels, NO_CUDA_SOURCES without: a missing capability is a file.
function(onecycle_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;LINKS;CUDA_SOURCES;NO_CUDA_SOURCES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "onecycle_module(${name}): unknown ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target onecycle_${name})
  if(ONECYCLE_HAS_CUDA)
    list(APPEND arg_SOURCES ${arg_CUDA_SOURCES})
  else()
    list(APPEND arg_SOURCES ${arg_NO_CUDA_SOURCES})
  endif()
  add_library(${target} STATIC ${arg_SOURCES})
  # Most of a file's time is LibTorch's headers, whatever it holds. Files with options of their own stay alone, and
  # those that see CUDA's headers.
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${ONECYCLE_UNITY} UNITY_BUILD_BATCH_SIZE 0)
  set_source_files_properties(${arg_CUDA_SOURCES} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:onecycle_compile_options>)
  onecycle_link(${target} PUBLIC ${arg_LINKS})
  if(arg_TORCH)
    onecycle_use_torch(${target} PUBLIC)
  endif()
  if(ONECYCLE_HAS_CUDA AND arg_CUDA_SOURCES)
    target_link_libraries(${target} PUBLIC onecycle_cudart)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>)
  endif()
endfunction()

# onecycle_program(NAME SOURCES main.cpp... [LINKS cli...]): the target onecycle_NAME, a program that is called
# onecycle, in build/<preset> unless RUNTIME_OUTPUT_DIRECTORY says otherwise.
function(onecycle_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  set(target onecycle_${name})
  add_executable(${target} ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME onecycle RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  target_link_libraries(${target} PRIVATE onecycle_compile_options)
  onecycle_link(${target} PRIVATE ${arg_LINKS})
endfunction()

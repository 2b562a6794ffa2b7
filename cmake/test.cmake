# Tests. ctest holds one entry a test program, not one a case: a program with LibTorch takes a third of a
# second to start. tests/run prints the number of cases.

find_package(GTest REQUIRED)

set(ONECYCLE_TEST_ENVIRONMENT "ONECYCLE_PYTHON=${ONECYCLE_PYTHON}")
if(ONECYCLE_SANITIZE)
  # LibTorch and its OpenMP runtime are not instrumented; what they leave behind is not ours to mend.
  list(APPEND ONECYCLE_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=0:protect_shadow_gap=0"
    "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1"
    "TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1")
endif()

# What reads files of strangers, and walks kernels of CUDA, without LibTorch: label `readers`, which tests/run_sanitized builds and runs.
add_custom_target(reader_tests)

# Where the repository and the built program are.
add_library(onecycle_places OBJECT "${PROJECT_SOURCE_DIR}/tests/support/places.cpp")
target_include_directories(onecycle_places PRIVATE "${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(onecycle_places PRIVATE onecycle_compile_options)
target_compile_definitions(onecycle_places PRIVATE
  ONECYCLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ONECYCLE_BUILD_DIR="${PROJECT_BINARY_DIR}")

# Linked with a test program, watches the ends of ATen's blocks of memory.
add_library(onecycle_canaries OBJECT "${PROJECT_SOURCE_DIR}/tests/support/canary_allocator.cpp")
target_include_directories(onecycle_canaries PRIVATE "${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(onecycle_canaries PRIVATE onecycle_compile_options onecycle_torch GTest::gtest)

# onecycle_test(NAME SOURCES a_test.cpp... [LINKS schedule...] [TORCH] [NUMERICAL] [READERS] [TIMEOUT seconds])
#
# A GoogleTest program of tests/<module>, in ctest as <module>.NAME. LINKS as in onecycle_module; core, options and formats
# are always there. NUMERICAL: what it computes depends on the kind of processor; tests/run runs those a second time as an
# older one; with TORCH, it fails where something writes past the end of a tensor. Its code can use tests/ as an
# include folder ("support/…": "support/places.h" tells where the repository is and the built onecycle, which is built
# before any test of tests/integration) and, in the environment, ONECYCLE_PYTHON (a Python with torch and numpy, or
# empty).
function(onecycle_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;NUMERICAL;READERS" "TIMEOUT" "SOURCES;LINKS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "onecycle_test(${name}): unknown ${arg_UNPARSED_ARGUMENTS}")
  endif()
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME module)
  set(target test_${module}_${name})
  add_executable(${target} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${target} PRIVATE onecycle_compile_options onecycle_places GTest::gmock GTest::gtest_main)
  onecycle_link(${target} PRIVATE formats ${arg_LINKS})
  if(arg_TORCH)
    onecycle_use_torch(${target} PRIVATE)
  endif()
  if(arg_TORCH AND arg_NUMERICAL AND NOT module STREQUAL "budget")  # which has an allocator of its own
    target_link_libraries(${target} PRIVATE onecycle_canaries)
  endif()
  if(module STREQUAL "integration" AND TARGET onecycle_program)
    add_dependencies(${target} onecycle_program)
  endif()

  add_test(NAME ${module}.${name} COMMAND ${target} WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${module}.${name} PROPERTIES
    TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${ONECYCLE_TEST_ENVIRONMENT}")
  if(arg_NUMERICAL)
    set_property(TEST ${module}.${name} APPEND PROPERTY LABELS numerical)
  endif()
  if(arg_READERS)
    set_property(TEST ${module}.${name} APPEND PROPERTY LABELS readers)
    add_dependencies(reader_tests ${target})
  endif()
  if(arg_TORCH OR module STREQUAL "integration")
    # LibTorch uses every core itself: two such programs at once only slow one another down.
    set_tests_properties(${module}.${name} PROPERTIES PROCESSORS 2)
  endif()
endfunction()

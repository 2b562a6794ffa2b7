# Language level, warnings, hardening and sanitizers of our own code, paths in it, and the compiler cache.
#
#   onecycle_compile_options   linked privately by every target of ours

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(ONECYCLE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_library(onecycle_compile_options INTERFACE)
# With the compiler that the project is tested with: what another one newly warns of is no reason to end a user's build.
set(tested OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(tested ON)
endif()
option(ONECYCLE_WARNINGS_ARE_ERRORS "Warnings end the build" ${tested})
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  # g++ 12 and 13 see overflows in std::string's own code that are not there (GCC bugs 105329, 105651).
  set(onecycle_false_alarms -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
endif()
target_compile_options(onecycle_compile_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow $<$<BOOL:${ONECYCLE_WARNINGS_ARE_ERRORS}>:-Werror> ${onecycle_false_alarms}>
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra$<$<BOOL:${ONECYCLE_WARNINGS_ARE_ERRORS}>:$<COMMA>-Werror>>")
# What turns an overrun or a wild jump into an immediate end. The program reads files and messages of strangers.
set(onecycle_hardened "$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>")
target_compile_options(onecycle_compile_options INTERFACE
  $<${onecycle_hardened}:-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fstack-protector-strong>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(onecycle_compile_options INTERFACE $<${onecycle_hardened}:-fcf-protection>)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  add_link_options(-Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()
if(ONECYCLE_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ONECYCLE_SANITIZE}>
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
  add_link_options(-fsanitize=${ONECYCLE_SANITIZE})
endif()

option(ONECYCLE_RELOCATABLE "For packages: name no folder of this machine in the programs" OFF)
if(ONECYCLE_RELOCATABLE)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=>")
endif()

find_program(ONECYCLE_CCACHE ccache)
mark_as_advanced(ONECYCLE_CCACHE)
if(ONECYCLE_CCACHE)
  # Without this sloppiness ccache refuses every file that uses the precompiled header; with paths relative to the
  # clone, another clone finds what this one compiled.
  set(launcher "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${ONECYCLE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${launcher})
endif()

# Libraries of the distribution that are headers alone, and no part of ours: whoever links ours needs none of them.
#
#   onecycle_json  onecycle_fmt  onecycle_cxxopts  onecycle_stb

find_package(nlohmann_json REQUIRED)
add_library(onecycle_json INTERFACE)
target_link_libraries(onecycle_json INTERFACE nlohmann_json::nlohmann_json)

find_package(fmt REQUIRED)
add_library(onecycle_fmt INTERFACE)
target_link_libraries(onecycle_fmt INTERFACE fmt::fmt-header-only)

find_package(cxxopts REQUIRED)
add_library(onecycle_cxxopts INTERFACE)
target_link_libraries(onecycle_cxxopts INTERFACE cxxopts::cxxopts)

find_path(ONECYCLE_STB_INCLUDE stb/stb_image.h REQUIRED)
mark_as_advanced(ONECYCLE_STB_INCLUDE)
add_library(onecycle_stb INTERFACE)
target_include_directories(onecycle_stb SYSTEM INTERFACE "${ONECYCLE_STB_INCLUDE}")

# Libraries of the distribution, under one name in every release of it.
#
#   onecycle_yaml  onecycle_json  onecycle_fmt  onecycle_cxxopts  onecycle_zlib  onecycle_crypto  onecycle_sqlite
#   onecycle_turbojpeg  onecycle_png  onecycle_archive  onecycle_curl

find_package(yaml-cpp REQUIRED)
add_library(onecycle_yaml INTERFACE)
if(TARGET yaml-cpp::yaml-cpp)
  target_link_libraries(onecycle_yaml INTERFACE yaml-cpp::yaml-cpp)
else()
  target_link_libraries(onecycle_yaml INTERFACE yaml-cpp)  # before 0.8
endif()

find_package(nlohmann_json REQUIRED)
add_library(onecycle_json INTERFACE)
target_link_libraries(onecycle_json INTERFACE nlohmann_json::nlohmann_json)

find_package(fmt REQUIRED)
add_library(onecycle_fmt INTERFACE)
target_link_libraries(onecycle_fmt INTERFACE fmt::fmt-header-only)

find_package(cxxopts REQUIRED)
add_library(onecycle_cxxopts INTERFACE)
target_link_libraries(onecycle_cxxopts INTERFACE cxxopts::cxxopts)

find_package(ZLIB REQUIRED)
add_library(onecycle_zlib INTERFACE)
target_link_libraries(onecycle_zlib INTERFACE ZLIB::ZLIB)

find_package(OpenSSL REQUIRED COMPONENTS Crypto)
add_library(onecycle_crypto INTERFACE)
target_link_libraries(onecycle_crypto INTERFACE OpenSSL::Crypto)

find_package(SQLiteCpp REQUIRED)
add_library(onecycle_sqlite INTERFACE)
target_link_libraries(onecycle_sqlite INTERFACE SQLiteCpp)

# libjpeg-turbo's CMake files are in no package of Debian 12.
find_path(ONECYCLE_TURBOJPEG_INCLUDE turbojpeg.h REQUIRED)
find_library(ONECYCLE_TURBOJPEG turbojpeg REQUIRED)
mark_as_advanced(ONECYCLE_TURBOJPEG_INCLUDE ONECYCLE_TURBOJPEG)
add_library(onecycle_turbojpeg INTERFACE)
target_include_directories(onecycle_turbojpeg SYSTEM INTERFACE "${ONECYCLE_TURBOJPEG_INCLUDE}")
target_link_libraries(onecycle_turbojpeg INTERFACE "${ONECYCLE_TURBOJPEG}")

find_package(PNG REQUIRED)
add_library(onecycle_png INTERFACE)
target_link_libraries(onecycle_png INTERFACE PNG::PNG)

# Of its static library only readers of tar are linked; the shared one loads XML, ICU and four more at every start.
find_package(LibArchive REQUIRED)
find_package(BZip2 QUIET)
find_package(LibLZMA QUIET)
find_library(ONECYCLE_STATIC_ARCHIVE libarchive.a)
mark_as_advanced(ONECYCLE_STATIC_ARCHIVE)
add_library(onecycle_archive INTERFACE)
if(ONECYCLE_STATIC_ARCHIVE AND BZIP2_FOUND AND LIBLZMA_FOUND)
  target_include_directories(onecycle_archive SYSTEM INTERFACE "${LibArchive_INCLUDE_DIRS}")
  target_link_libraries(onecycle_archive INTERFACE
    "${ONECYCLE_STATIC_ARCHIVE}" ZLIB::ZLIB BZip2::BZip2 LibLZMA::LibLZMA)
else()
  target_link_libraries(onecycle_archive INTERFACE LibArchive::LibArchive)
endif()

find_package(CURL REQUIRED)
add_library(onecycle_curl INTERFACE)
target_link_libraries(onecycle_curl INTERFACE CURL::libcurl)

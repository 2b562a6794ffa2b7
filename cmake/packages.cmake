# Libraries of the distribution that programs link, under one name in every release of it; those of headers alone are
# in headers.cmake. The installed package brings this file along.
#
#   onecycle_zlib  onecycle_turbojpeg  onecycle_png  onecycle_archive  onecycle_csv  onecycle_curl

find_package(ZLIB REQUIRED)
add_library(onecycle_zlib INTERFACE IMPORTED GLOBAL)
target_link_libraries(onecycle_zlib INTERFACE ZLIB::ZLIB)

# libjpeg-turbo's CMake files are in no package of Debian 12.
find_path(ONECYCLE_TURBOJPEG_INCLUDE turbojpeg.h REQUIRED)
find_library(ONECYCLE_TURBOJPEG turbojpeg REQUIRED)
mark_as_advanced(ONECYCLE_TURBOJPEG_INCLUDE ONECYCLE_TURBOJPEG)
add_library(onecycle_turbojpeg INTERFACE IMPORTED GLOBAL)
target_include_directories(onecycle_turbojpeg SYSTEM INTERFACE "${ONECYCLE_TURBOJPEG_INCLUDE}")
target_link_libraries(onecycle_turbojpeg INTERFACE "${ONECYCLE_TURBOJPEG}")

find_package(PNG REQUIRED)
add_library(onecycle_png INTERFACE IMPORTED GLOBAL)
target_link_libraries(onecycle_png INTERFACE PNG::PNG)

# Of its static library only readers of tar are linked; the shared one loads XML, ICU and four more at every start.
find_package(LibArchive REQUIRED)
find_package(BZip2 QUIET)
find_package(LibLZMA QUIET)
find_library(ONECYCLE_STATIC_ARCHIVE libarchive.a)
mark_as_advanced(ONECYCLE_STATIC_ARCHIVE)
add_library(onecycle_archive INTERFACE IMPORTED GLOBAL)
if(ONECYCLE_STATIC_ARCHIVE AND BZIP2_FOUND AND LIBLZMA_FOUND)
  target_include_directories(onecycle_archive SYSTEM INTERFACE "${LibArchive_INCLUDE_DIRS}")
  target_link_libraries(onecycle_archive INTERFACE
    "${ONECYCLE_STATIC_ARCHIVE}" ZLIB::ZLIB BZip2::BZip2 LibLZMA::LibLZMA)
else()
  target_link_libraries(onecycle_archive INTERFACE LibArchive::LibArchive)
endif()

find_path(ONECYCLE_CSV_INCLUDE csv.h REQUIRED)
find_library(ONECYCLE_CSV csv REQUIRED)
mark_as_advanced(ONECYCLE_CSV_INCLUDE ONECYCLE_CSV)
add_library(onecycle_csv INTERFACE IMPORTED GLOBAL)
target_include_directories(onecycle_csv SYSTEM INTERFACE "${ONECYCLE_CSV_INCLUDE}")
target_link_libraries(onecycle_csv INTERFACE "${ONECYCLE_CSV}")

find_package(CURL REQUIRED)
add_library(onecycle_curl INTERFACE IMPORTED GLOBAL)
target_link_libraries(onecycle_curl INTERFACE CURL::libcurl)

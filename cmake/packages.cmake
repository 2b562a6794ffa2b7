# Libraries of the distribution that programs link, under one name in every release of it; those of headers alone are
# in headers.cmake. The installed package brings this file along.
#
#   onecycle_zlib  onecycle_jpeg  onecycle_png  onecycle_webp  onecycle_archive  onecycle_csv  onecycle_curl

find_package(ZLIB REQUIRED)
add_library(onecycle_zlib INTERFACE IMPORTED GLOBAL)
target_link_libraries(onecycle_zlib INTERFACE ZLIB::ZLIB)

find_package(JPEG REQUIRED)
add_library(onecycle_jpeg INTERFACE IMPORTED GLOBAL)
target_link_libraries(onecycle_jpeg INTERFACE JPEG::JPEG)

find_package(PNG REQUIRED)
add_library(onecycle_png INTERFACE IMPORTED GLOBAL)
target_link_libraries(onecycle_png INTERFACE PNG::PNG)

# libwebp's CMake files are in no package of Debian 12.
find_path(ONECYCLE_WEBP_INCLUDE webp/demux.h REQUIRED)
find_library(ONECYCLE_WEBP webp REQUIRED)
find_library(ONECYCLE_WEBPDEMUX webpdemux REQUIRED)
mark_as_advanced(ONECYCLE_WEBP_INCLUDE ONECYCLE_WEBP ONECYCLE_WEBPDEMUX)
add_library(onecycle_webp INTERFACE IMPORTED GLOBAL)
target_include_directories(onecycle_webp SYSTEM INTERFACE "${ONECYCLE_WEBP_INCLUDE}")
target_link_libraries(onecycle_webp INTERFACE "${ONECYCLE_WEBPDEMUX}" "${ONECYCLE_WEBP}")

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

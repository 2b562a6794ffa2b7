# Libraries of the distribution for recipes and searches. The installed package brings this file along.
#
#   onecycle_yaml_cpp  onecycle_sqlite

find_package(yaml-cpp REQUIRED)
add_library(onecycle_yaml_cpp INTERFACE IMPORTED GLOBAL)
if(TARGET yaml-cpp::yaml-cpp)
  target_link_libraries(onecycle_yaml_cpp INTERFACE yaml-cpp::yaml-cpp)
else()
  target_link_libraries(onecycle_yaml_cpp INTERFACE yaml-cpp)  # before 0.8
endif()

find_package(SQLiteCpp REQUIRED)
add_library(onecycle_sqlite INTERFACE IMPORTED GLOBAL)
target_link_libraries(onecycle_sqlite INTERFACE SQLiteCpp)

#pragma once

#include <functional>
#include <string>
#include <vector>

namespace onecycle {

// Calls `take` for each file that the arguments name: a file itself, the pictures of a folder and
// of those in it, sorted and without hidden ones, or, for "-", the lines of stdin. `fail` gets a
// folder that cannot be read or holds no picture, and a picture in it of a kind that is not read.
void for_each_picture(
    const std::vector<std::string>& arguments,
    const std::function<void(const std::string& file)>& take,
    const std::function<void(const std::string& place, const std::string& why)>& fail);

}  // namespace onecycle

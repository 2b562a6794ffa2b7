#pragma once

#include <cstdint>
#include <string>
#include <vector>

// A folder with one folder a class, as torchvision's ImageFolder reads it.
namespace onecycle {

struct LabelledFile {
  std::string path;
  std::int64_t label = 0;
};

// The class folders of `root`: names sorted byte by byte, hidden ones left out. Throws DataError.
std::vector<std::string> class_folders(const std::string& root);

// The pictures in the class folders of `root` and in folders within them, class by class, sorted by
// path; links are followed, hidden files and files that are no pictures left out. `classes`: label
// = place in it. Throws DataError for a folder that is none of `classes`, a class without pictures
// with a name that is read where `every_class`, pictures named as of another kind unless
// `strangers`, which lists them too, and folders that hold themselves.
std::vector<LabelledFile> labelled_pictures(const std::string& root,
                                            const std::vector<std::string>& classes,
                                            bool every_class, bool strangers);

}  // namespace onecycle

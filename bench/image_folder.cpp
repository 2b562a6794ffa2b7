// Seconds that reading a folder of pictures takes, as one JSON object; bench/image_folder.py calls
// it:
//   bench_image_folder FOLDER RESIZE SIZE THREADS
#include "onecycle/datasets.h"
#include "onecycle/options.h"

#include "core/text/format.h"

#include <chrono>
#include <cstdlib>

#include <ATen/Parallel.h>

namespace onecycle {
namespace {

int run(int argc, char** argv) {
  if (argc != 5) return fmt::print(stderr, "usage: {} FOLDER RESIZE SIZE THREADS\n", argv[0]), 2;
  Value options = Value::map();
  options.set("resize", Value::scalar(argv[2]));
  options.set("size", Value::scalar(argv[3]));
  at::set_num_threads(std::atoi(argv[4]));
  const auto made =
      builtin_formats().make(choose(builtin_formats().variants(), "image_folder", options));
  DataFiles files;
  files.folders = {argv[1]};
  const auto begin = std::chrono::steady_clock::now();
  const ImageSet set = made->read(Split::train, files);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{{\"seconds\": {}, \"pictures\": {}}}\n", seconds, set.size());
  return 0;
}

}  // namespace
}  // namespace onecycle

int main(int argc, char** argv) { return onecycle::run(argc, argv); }

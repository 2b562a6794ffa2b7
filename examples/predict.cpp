// The classes that a trained network gives to pictures, from several threads at once:
//   predict runs/photos/1 cat.jpg dog.png ...
// A run's folder, or a file that `onecycle export` wrote, is all that it needs: link
// onecycle::predictor, which holds neither the trainer nor the reader of recipes.

#include "onecycle/error.h"
#include "onecycle/predictor.h"

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

// Each line is for one picture; one that cannot be read does not hinder the others.
std::string described(const onecycle::Predictor& predictor, const std::string& file) {
  try {
    const at::Tensor image = predictor.picture(file);  // [C,H,W], uint8, resized and cut
    const onecycle::Predictions found = predictor.predict(image.unsqueeze(0));
    std::string line = file + ":";
    for (const auto& [name, probability] : predictor.top(found.probabilities[0], 3))
      line += " " + name + " " + std::to_string(probability);
    return line;
  } catch (const onecycle::Error& error) {  // its text is one line, and names the file
    return error.what();
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fputs("usage: predict RUN_DIR|FILE.safetensors PICTURE...\n", stderr);
    return 2;
  }
  const std::vector<std::string> files(arguments + 2, arguments + count);
  try {
    const onecycle::Predictor predictor(arguments[1], {.device = onecycle::DeviceChoice::cpu});
    std::vector<std::string> lines(files.size());
    std::vector<std::thread> threads;
    for (std::size_t worker = 0; worker < 2; ++worker)
      threads.emplace_back([&, worker] {
        for (std::size_t i = worker; i < files.size(); i += 2)
          lines[i] = described(predictor, files[i]);
      });
    for (std::thread& thread : threads) thread.join();
    for (const std::string& line : lines) std::puts(line.c_str());
  } catch (const onecycle::Error& error) {
    std::fprintf(stderr, "predict: %s\n", error.what());
    return 1;
  }
}

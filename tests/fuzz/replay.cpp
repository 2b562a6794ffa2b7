// What libFuzzer does, without it: every file of a corpus, then mutations of them, the same every
// time. Usage: test_fuzz_NAME CORPUS [MUTATIONS]

#include "core/rng.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kMutations = 4000;
constexpr double kMostSeconds = 20;

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> read_corpus(const char* folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

// Numbers below `bound` in an order that stays the same.
class Numbers {
 public:
  std::size_t below(std::size_t bound) {
    const auto words = onecycle::random_words(1, onecycle::RandomUse::order, 0, count_++);
    return static_cast<std::size_t>(words.low() % std::max<std::size_t>(1, bound));
  }

 private:
  std::uint64_t count_ = 0;
};

void mutate_once(Bytes& bytes, const std::vector<Bytes>& corpus, Numbers& numbers) {
  constexpr std::uint8_t kTelling[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  const std::size_t at = numbers.below(bytes.size());
  const std::size_t count = std::min(bytes.size() - at, 1 + numbers.below(16));
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const auto end = place + static_cast<std::ptrdiff_t>(count);
  switch (bytes.empty() ? 3 : numbers.below(6)) {
    case 0:  // a bit
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1u << numbers.below(8));
      break;
    case 1:  // a number that tells something
      std::fill(place, end, kTelling[numbers.below(std::size(kTelling))]);
      break;
    case 2:  // cut short
      if (numbers.below(4) == 0) bytes.resize(at);
      break;
    case 3: {  // a piece of another
      const Bytes& other = corpus[numbers.below(corpus.size())];
      const std::size_t from = numbers.below(other.size());
      const std::size_t length = std::min(other.size() - from, numbers.below(64));
      const auto first = other.begin() + static_cast<std::ptrdiff_t>(from);
      bytes.insert(place, first, first + static_cast<std::ptrdiff_t>(length));
      break;
    }
    case 4:
      bytes.erase(place, end);
      break;
    default:
      bytes[at] = static_cast<std::uint8_t>(numbers.below(256));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Bytes> corpus = argc > 1 ? read_corpus(argv[1]) : std::vector<Bytes>{};
  if (corpus.empty()) {
    std::fprintf(stderr, "usage: %s CORPUS [MUTATIONS]; a corpus holds at least one file\n",
                 argv[0]);
    return 2;
  }
  for (const Bytes& bytes : corpus) LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  const int mutations = argc > 2 ? std::atoi(argv[2]) : kMutations;
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Numbers numbers;
  int done = 0;
  for (; done < mutations && seconds() < kMostSeconds; ++done) {
    Bytes bytes = corpus[numbers.below(corpus.size())];
    for (std::size_t i = 0; i <= numbers.below(6); ++i) mutate_once(bytes, corpus, numbers);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%zu files of the corpus and %d mutations in %.1f s\n", corpus.size(), done,
              seconds());
  return 0;
}

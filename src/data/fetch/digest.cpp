#include "data/fetch/digest.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/sha256.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace onecycle {

std::string file_digest(const std::string& path, const char* algorithm) {
  constexpr std::size_t kChunk = 1 << 20;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) throw DataError(format("{}: cannot be read: {}", path, std::strerror(errno)));
  Digest digest(algorithm);
  std::vector<char> bytes(kChunk);
  std::size_t count = 0;
  while ((count = std::fread(bytes.data(), 1, kChunk, file.get())) > 0)
    digest.add({bytes.data(), count});
  if (std::ferror(file.get())) throw DataError(path + ": cannot be read to its end");
  return digest.hex();
}

}  // namespace onecycle

#include "data/digest.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <openssl/evp.h>
#include <vector>

namespace onecycle {

std::string file_digest(const std::string& path, const char* algorithm) {
  constexpr std::size_t kChunk = 1 << 20;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) throw DataError(format("{}: cannot be read: {}", path, std::strerror(errno)));
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  const EVP_MD* kind = EVP_get_digestbyname(algorithm);
  bool good = context && kind && EVP_DigestInit_ex(context.get(), kind, nullptr) == 1;
  std::vector<char> bytes(kChunk);
  std::size_t count = 0;
  while (good && (count = std::fread(bytes.data(), 1, kChunk, file.get())) > 0)
    good = EVP_DigestUpdate(context.get(), bytes.data(), count) == 1;
  if (std::ferror(file.get())) throw DataError(path + ": cannot be read to its end");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  good = good && EVP_DigestFinal_ex(context.get(), digest, &size) == 1;
  if (!good) throw DataError(format("{}: libcrypto could not compute its {}", path, algorithm));
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += format("{:02x}", digest[i]);
  return text;
}

}  // namespace onecycle

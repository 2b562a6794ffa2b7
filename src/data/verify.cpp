#include "onecycle/data.h"
#include "onecycle/error.h"

#include "core/format.h"
#include "data/files.h"

#include <filesystem>
#include <memory>
#include <openssl/evp.h>

namespace onecycle {

namespace {

// Of the unpacked content: archives of the same data differ in theirs.
std::string sha256_of(const std::string& path) {
  constexpr std::uint64_t kChunk = 1 << 20;
  ByteSource source(path);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (auto bytes = source.read(kChunk); good && !bytes.empty(); bytes = source.read(kChunk))
    good = EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  good = good && EVP_DigestFinal_ex(context.get(), digest, &size) == 1;
  if (!good) throw DataError(path + ": libcrypto could not compute its SHA-256");
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += format("{:02x}", digest[i]);
  return text;
}

FileCheck check_file(const std::string& file, const DataFiles& files, const Checksums& sha256) {
  FileCheck check;
  check.file = file;
  const std::filesystem::path name = std::filesystem::path(file).filename();
  const std::string unpacked = name.extension() == ".gz" ? name.stem().string() : name.string();
  if (const std::string* expected = sha256.find(unpacked)) check.expected = *expected;
  const auto path = files.find(file);
  if (!path) return check;
  check.path = *path;
  check.actual = sha256_of(*path);
  check.status = check.expected.empty()           ? FileCheck::Status::unchecked
                 : check.expected == check.actual ? FileCheck::Status::ok
                                                  : FileCheck::Status::mismatch;
  return check;
}

}  // namespace

std::vector<FileCheck> verify_data(const DataOptions& options, const DatasetDescriptor& descriptor,
                                   const FormatRegistry& formats) {
  const auto format = formats.at(descriptor.format.name).make(descriptor.format.options);
  const DataFiles files = data_files(options, descriptor);
  std::vector<FileCheck> checks;
  for (const Split split : {Split::train, Split::test})
    for (const std::string& file : format->files(split))
      checks.push_back(check_file(file, files, descriptor.sha256));
  return checks;
}

}  // namespace onecycle

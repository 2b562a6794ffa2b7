#include "data/fetch/verify.h"

#include "onecycle/datasets.h"
#include "onecycle/error.h"

#include "core/sha256.h"
#include "core/text/format.h"
#include "data/byte_source.h"
#include "data/files.h"
#include "data/formats/packed.h"
#include "formats/safetensors/safetensors.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
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

namespace {

// Of the unpacked content: archives of the same data differ in theirs.
std::string sha256_of(const std::string& path) {
  constexpr std::uint64_t kChunk = 1 << 20;
  ByteSource source(path);
  Sha256 digest;
  for (auto bytes = source.read(kChunk); !bytes.empty(); bytes = source.read(kChunk))
    digest.add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return digest.hex();
}

FileCheck check_file(const std::string& file, FileNames names, const DataFiles& files,
                     const Checksums& sha256) {
  FileCheck check;
  check.file = file;
  const std::filesystem::path name = std::filesystem::path(file).filename();
  const std::string unpacked = name.extension() == ".gz" ? name.stem().string() : name.string();
  if (const std::string* expected = sha256.find(unpacked)) check.expected = *expected;
  const auto path = files.find(file, names);
  if (!path) return check;
  check.path = *path;
  check.actual = sha256_of(*path);
  check.status = check.expected.empty()           ? FileCheck::Status::unchecked
                 : check.expected == check.actual ? FileCheck::Status::ok
                                                  : FileCheck::Status::mismatch;
  return check;
}

// An archive as it was published, or a packed file by the checksum in it; `expected` may be the
// start of one.
FileCheck check_whole(const std::string& file, const std::string& path, const std::string& expected,
                      const std::string& actual) {
  const auto status =
      actual.starts_with(expected) ? FileCheck::Status::ok : FileCheck::Status::mismatch;
  return {file, path, status, expected, actual};
}

FileCheck check_download(const Download& download, const std::string& path) {
  const bool sha = !download.sha256.empty();
  return check_whole(download.file, path, sha ? download.sha256 : download.md5,
                     file_digest(path, sha ? "sha256" : "md5"));
}

FileCheck check_packed(const std::string& file, const std::string& path) {
  try {
    const SafetensorsFile whole(path);
    const auto stated = whole.metadata().find("sha256");
    const std::string digest = stated == whole.metadata().end() ? "" : stated->second;
    return check_whole(file, path, digest, digest);
  } catch (const CheckpointError& error) {
    return {file, path, FileCheck::Status::mismatch, "", error.what()};
  }
}

}  // namespace

const std::string* Checksums::find(const std::string& file) const {
  for (const auto& [name, digest] : of)
    if (name == file) return &digest;
  return nullptr;
}

std::vector<FileCheck> verify_data(const DataOptions& options, const DatasetDescriptor& descriptor,
                                   const FormatRegistry& formats) {
  const DataFiles files = data_files(options, descriptor);
  const auto [choice, made] = find_form(descriptor, files, formats);
  std::vector<FileCheck> checks;
  const bool from_archive = made->present(files) && !made->DatasetFormat::present(files);
  for (const Split split : {Split::train, Split::test})
    for (const std::string& file : made->files(split)) {
      if (from_archive) continue;
      const auto path = choice.name == "packed" ? files.find(file) : std::nullopt;
      checks.push_back(path ? check_packed(file, *path)
                            : check_file(file, made->file_names(), files, descriptor.sha256));
    }
  if (from_archive)
    for (const Download& download : descriptor.downloads)
      if (const auto path = files.find(download.file))
        checks.push_back(check_download(download, *path));
  if (const auto path = files.find(packed_name(descriptor)))
    checks.push_back(check_packed(packed_name(descriptor), *path));
  return checks;
}

}  // namespace onecycle

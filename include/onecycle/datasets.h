#pragma once

#include "onecycle/data.h"
#include "onecycle/registry.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

// ---- The recipe's `data` section -------------------------------------------------------------

// `data.batch_size`: a number of samples, all of the training part, or one fitted to memory, which
// the program replaces by a number before anything is built.
struct BatchSize {
  std::int64_t count = 128;
  bool all = false;
  bool automatic = false;

  // Throws FieldError where the training part has fewer samples than the batch, or where it is not
  // known yet.
  std::int64_t of(std::int64_t num_train) const;
  bool operator==(const BatchSize&) const = default;
};

// caffe: pixels of 0 to 255 minus the mean image of the samples trained on, not scaled; 0 beside
// the source image and under cutout. float32 pixels count as 0 to 1 and are multiplied by 255.
enum class Normalise { automatic, none, caffe };

// Where the samples of a training on a GPU lie.
enum class DataPlace {
  automatic,  // on the device where they fit beside the training, else as `host`
  device,     // on the device, and an error where they do not fit
  host        // pictures: locked in the memory of the host, where the batch kernel reads them
};

// docs/recipe.md lists what each of them means.
struct DataOptions {
  std::optional<std::string> name;  // a file in datasets/, or a path to one like them
  Choice format{"none"};            // in place of `name`: the format, with its files
  std::optional<std::string> dir;
  BatchSize batch_size;
  std::optional<std::int64_t> total_batch_size;  // batch_size is the most of one pass, then
  std::optional<std::int64_t> validation;
  std::optional<std::int64_t> limit;
  std::vector<std::string> classes;    // of the data set, in the order of their new labels
  std::optional<std::int64_t> resize;  // DataSet::resize
  std::optional<std::int64_t> size;    // DataSet::crop
  Normalise normalise = Normalise::automatic;
  std::vector<double> mean;
  std::vector<double> std;
  DataPlace place = DataPlace::automatic;
  std::vector<Choice> augment;
};

// ---- Descriptors: datasets/<name>.yaml -------------------------------------------------------

// `sha256` of a descriptor: file name -> lower-case hexadecimal digest.
struct Checksums {
  std::vector<std::pair<std::string, std::string>> of;

  // The digest of a file, or null.
  const std::string* find(const std::string& file) const;
  bool operator==(const Checksums&) const = default;
};

// Another form of the same data, taken where the files of the forms before it are not there.
struct OtherForm {
  Choice format;
};

// A file that `onecycle data fetch` gets.
struct Download {
  std::string file;               // its name in the data set's folder
  std::vector<std::string> urls;  // mirrors, tried in this order
  std::string md5;                // of the file as it is, as its publisher states it; one of the
  std::string sha256;             // two is enough; sha256: all 64 digits, or the first 8 or more
  std::optional<std::int64_t> bytes = {};  // of the file; more is not taken
};

// What a data set is, where it lies and how it is read.
struct DatasetDescriptor {
  std::string name;
  std::string title;  // one line: what it is, whose it is
  Choice format;
  std::vector<OtherForm> others;
  std::vector<std::string> folders;  // searched in this order; `~` and ${NAME} are expanded
  std::vector<std::string> classes;  // empty: numbered, as many as the training labels need
  std::vector<double> mean;          // empty: measured on the training part
  std::vector<double> std;
  Checksums sha256;
  std::string get;  // how a user gets the files, one line
  std::vector<Download> downloads;
  std::optional<std::int64_t> train_samples;  // of the training split, where known beforehand
};

// ---- Formats ---------------------------------------------------------------------------------

// The parts that files have; the validation part is held out of `train`.
enum class Split { train, test };

// What reading data tells its caller, from the thread that called; either may be empty.
struct LoadWatch {
  // A few times a second at most. It may throw to end the reading.
  std::function<void(const std::string& what, std::int64_t done, std::int64_t total)> progress;
  std::function<void(const std::string& line)> warn;
};

// Makes the uint8 tensor [N,C,H,W] that samples are read into: in memory, or in a file.
using AllocateImages = std::function<at::Tensor(const std::vector<std::int64_t>& sizes)>;

// Where a file `a/b.gz` is looked for in each folder. bare: as a/b.gz, b.gz, a/b and b, for sets
// whose files are known by their names; exact: as a/b.gz and a/b.
enum class FileNames { bare, exact };

// The files of a data set.
struct DataFiles {
  std::vector<std::string> folders;  // expanded
  std::string get;                   // shown when a file is missing
  LoadWatch watch = {};
  std::optional<TargetKind> targets = {};  // what the task wants; empty: as the files have them
  AllocateImages allocate = {};  // for formats whose samples may exceed memory; empty: memory

  // The path of a file; nothing where no folder has it.
  std::optional<std::string> find(const std::string& file, FileNames names = FileNames::bare) const;
  // The folder of that name in the first of `folders` that has it.
  std::optional<std::string> find_folder(const std::string& folder) const;
  std::string places() const;  // the folders, for messages
  // Throws DataError with the folders looked in and how to get the file.
  std::string path(const std::string& file, FileNames names = FileNames::bare) const;
};

// All samples of a format whose targets may be other than classes, or that makes samples from what
// the training part is like; as its files have them.
struct RawSamples {
  ImageSet train;  // images: what `encode` takes, a row a sample; values are not standardised
  ImageSet test;   // may be empty
  TargetKind kind = TargetKind::classes;
  // Of the values or labels, or of the classes; none of these: as `classes` says, or numbers.
  std::vector<std::string> names;
  // Measures the training part, and turns the images of all parts into samples. Empty: they are.
  std::function<void(DataSet& data)> encode;
};

// Reads one format. Throws DataError for anything but sound files; labels are checked by the
// caller.
class DatasetFormat {
 public:
  virtual ~DatasetFormat() = default;
  // Names of the files of a split, as DataFiles::find takes them.
  virtual std::vector<std::string> files(Split split) const = 0;
  // How they are looked for.
  virtual FileNames file_names() const { return FileNames::bare; }
  // All samples of a split. Throws DataError where read_raw has them.
  virtual ImageSet read(Split split, const DataFiles& files) const;
  // Of formats whose targets may be other than classes, or whose samples are made from what the
  // training part is like; nothing: read() has them, with classes.
  virtual std::optional<RawSamples> read_raw(const DataFiles&) const { return std::nullopt; }
  // Whether the files are there, sound or not.
  virtual bool present(const DataFiles& files) const;
  // A source may have a training split alone.
  virtual bool has_test(const DataFiles&) const { return true; }
  // Names of the classes where the files say them; empty: the descriptor does, or nobody.
  virtual std::vector<std::string> classes(const DataFiles&) const { return {}; }
  // Names, sizes and times of the files read: changes when they do.
  virtual std::string state(const DataFiles& files) const;
  // Size of the training split where the options alone say it.
  virtual std::optional<std::int64_t> train_samples() const { return std::nullopt; }
  // The shorter side that pictures of any size are brought to; nothing where all have one size.
  virtual std::optional<std::int64_t> picture_side() const { return std::nullopt; }
};

// The formats that data sets may name.
using FormatRegistry = Registry<std::unique_ptr<DatasetFormat>()>;

// idx, cifar, cifar_python, image_folder, image_list, table, arrays, packed and synthetic.
FormatRegistry builtin_formats();

// ---- Loading and looking ---------------------------------------------------------------------

// Reads, checks and splits. The choice of validation samples depends on the training split's size
// alone, not on the run's seed, so that runs compare. `targets`: what the task wants, for formats
// whose files do not say; empty: as the files have them. Throws DataError, and FieldError for
// options that are for pictures alone, or for classes.
DataSet load_data(const DataOptions& options, const DatasetDescriptor& descriptor,
                  const FormatRegistry& formats = builtin_formats(), const LoadWatch& watch = {},
                  std::optional<TargetKind> targets = {});

// The samples that load_data would leave to train on, without reading any; nothing where only the
// files would tell. Throws FieldError where none would be left.
std::optional<std::int64_t> planned_train_samples(
    const DataOptions& options, const DatasetDescriptor& descriptor,
    const FormatRegistry& formats = builtin_formats());

// The folder that holds the data set, in any of its forms; nothing where it is not there. Reads no
// file.
std::optional<std::string> data_place(const DataOptions& options,
                                      const DatasetDescriptor& descriptor,
                                      const FormatRegistry& formats = builtin_formats());

// What became of a file of a data set.
struct FileCheck {
  // unchecked: found, but the descriptor has no checksum for it in this form.
  enum class Status { ok, mismatch, missing, unchecked };

  std::string file;
  std::string path;  // where it was found; empty when missing
  Status status = Status::missing;
  std::string expected;  // SHA-256 of the unpacked content, or the published checksum of an archive
  std::string actual;
};
// Reads every file of the form that is there, and compares its digest.
std::vector<FileCheck> verify_data(const DataOptions& options, const DatasetDescriptor& descriptor,
                                   const FormatRegistry& formats = builtin_formats());

}  // namespace onecycle

#include "data/pictures/picture_set.h"

#include "onecycle/error.h"

#include "core/process/this_process.h"
#include "core/text/format.h"
#include "data/needed_memory.h"
#include "data/tensors.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

namespace onecycle {

namespace {

constexpr auto kBetweenReports = std::chrono::milliseconds(500);

at::Tensor allocate(const std::vector<std::int64_t>& sizes, const DataFiles& files) {
  if (files.allocate) return files.allocate(sizes);
  std::int64_t bytes = 1;
  for (const std::int64_t size : sizes) bytes *= size;
  require_memory(
      bytes, format("{} pictures of {}x{}x{}", sizes[0], sizes[1], sizes[2], sizes[3]),
      format("make them smaller (format.size), or `{} data pack` them into a file that is mapped "
             "instead",
             program_name()));
  return at::empty(sizes, at::kByte);
}

DataError none_read(const std::string& first_error) {
  return DataError("no picture could be read; the first: " + first_error);
}

std::string placed(const DataError& error, const LabelledFile& file, const PicturePlace& place) {
  return place ? place(file.label) + ": " + error.what() : error.what();
}

// Every sample of a set has one size: where nothing is cut to `size`, that of the first picture
// that can be read.
std::vector<std::int64_t> sample_sizes(const std::vector<LabelledFile>& sources,
                                       const PictureFit& fit, BadPicture bad,
                                       const PicturePlace& place) {
  if (fit.size > 0) return {fit.channels, fit.size, fit.size};
  std::string first_error;
  for (const LabelledFile& source : sources) {
    try {
      return read_fitted(source.path, fit).sizes().vec();
    } catch (const DataError& error) {
      if (first_error.empty()) first_error = placed(error, source, place);
      if (bad == BadPicture::stop) throw DataError(first_error);
    }
  }
  throw none_read(first_error);
}

class Decoding {
 public:
  Decoding(const std::vector<LabelledFile>& sources, const PictureFit& fit, BadPicture bad,
           const LoadWatch& watch, const PicturePlace& place, at::Tensor images)
      : sources_(sources),
        fit_(fit),
        bad_(bad),
        watch_(watch),
        place_(place),
        images_(std::move(images)) {
    errors_.resize(sources.size());
  }

  // Exceptions do not leave the other threads: they are kept for the caller's.
  void run() {
    at::parallel_for(0, at::get_num_threads(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t lane = begin; lane < end; ++lane) work(lane == 0);
    });
    if (failure_) std::rethrow_exception(failure_);
    if (reported_) report(sources_.size());
  }

  // "" where the picture was read.
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  void work(bool reports) {
    try {
      auto last = std::chrono::steady_clock::now();
      for (std::size_t i = next_++; i < sources_.size() && !ended_; i = next_++) {
        decode(i);
        const auto now = std::chrono::steady_clock::now();
        if (!reports || !watch_.progress || now - last < kBetweenReports) continue;
        reported_ = true;
        report(i);
        last = now;
      }
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      ended_ = true;
    }
  }

  void report(std::size_t done) const {
    watch_.progress("decoding pictures", static_cast<std::int64_t>(done),
                    static_cast<std::int64_t>(sources_.size()));
  }

  void decode(std::size_t i) {
    const std::string& path = sources_[i].path;
    try {
      const at::Tensor sample = read_fitted(path, fit_);
      if (sample.sizes() != images_.sizes().slice(1))
        throw DataError(format(
            "{}: {}x{} pixels, the first picture {}x{}; set format.size, to give all one size",
            path, sample.size(1), sample.size(2), images_.size(2), images_.size(3)));
      std::memcpy(
          images_.mutable_data_ptr<std::uint8_t>() + static_cast<std::int64_t>(i) * sample.numel(),
          sample.const_data_ptr<std::uint8_t>(), sample.nbytes());
    } catch (const DataError& error) {
      std::string what = placed(error, sources_[i], place_);
      if (bad_ == BadPicture::stop) throw DataError(what);
      errors_[i] = std::move(what);
    }
  }

  const std::vector<LabelledFile>& sources_;
  const PictureFit fit_;
  const BadPicture bad_;
  const LoadWatch& watch_;
  const PicturePlace& place_;
  at::Tensor images_;
  std::vector<std::string> errors_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> ended_ = false;
  bool reported_ = false;  // of the caller's thread
  std::mutex mutex_;
  std::exception_ptr failure_;
};

// Moves the pictures that were read together; returns their labels.
std::vector<std::int64_t> keep_good(const std::vector<LabelledFile>& sources,
                                    const std::vector<std::string>& errors, at::Tensor& images) {
  std::vector<std::int64_t> labels;
  auto* pixels = images.mutable_data_ptr<std::uint8_t>();
  const auto bytes = static_cast<std::size_t>(images[0].numel());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!errors[i].empty()) continue;
    if (labels.size() != i) std::memmove(pixels + labels.size() * bytes, pixels + i * bytes, bytes);
    labels.push_back(sources[i].label);
  }
  images = images.narrow(0, 0, static_cast<std::int64_t>(labels.size()));
  return labels;
}

void warn_of(const std::vector<std::string>& errors, const LoadWatch& watch) {
  std::size_t count = 0;
  const std::string* first = nullptr;
  for (const std::string& error : errors) {
    if (error.empty()) continue;
    ++count;
    if (first == nullptr) first = &error;
  }
  if (count > 0 && watch.warn)
    watch.warn(format("{} of {} pictures left out; the first: {}", count, errors.size(), *first));
}

}  // namespace

ImageSet read_pictures(const std::vector<LabelledFile>& sources, const PictureFit& fit,
                       BadPicture bad, const DataFiles& files, const PicturePlace& place) {
  if (sources.empty()) return {};
  std::vector<std::int64_t> sizes = sample_sizes(sources, fit, bad, place);
  sizes.insert(sizes.begin(), static_cast<std::int64_t>(sources.size()));
  at::Tensor images = allocate(sizes, files);
  Decoding decoding(sources, fit, bad, files.watch, place, images);
  decoding.run();
  std::vector<std::int64_t> labels = keep_good(sources, decoding.errors(), images);
  warn_of(decoding.errors(), files.watch);
  if (labels.empty()) throw none_read(decoding.errors()[0]);
  const auto count = static_cast<std::int64_t>(labels.size());
  return {images, tensor_of(std::move(labels), {count})};
}

}  // namespace onecycle

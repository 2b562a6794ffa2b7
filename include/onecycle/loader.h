#pragma once

#include "onecycle/batch.h"
#include "onecycle/data.h"
#include "onecycle/on_device.h"
#include "onecycle/source.h"

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

namespace kernels {
struct CropTables;
struct Gather;
struct GatherPosition;
}  // namespace kernels

// The order in which an epoch visits n samples: a permutation of 0..n-1, a pure function.
std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch, std::int64_t n);

// How a set becomes batches.
struct LoaderOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;                              // or bfloat16, float16, float64
  at::MemoryFormat memory_format = at::MemoryFormat::Contiguous;  // or ChannelsLast
  std::int64_t batch_size = 128;
  std::vector<double> mean = {};  // as in DataSet
  std::vector<double> std = {};
  Augment augment = {};     // training batches only
  std::int64_t resize = 0;  // as DataSet::resize
  std::int64_t crop = 0;    // side of the square to make, the centre in evaluation; 0: all of it
  std::uint64_t seed = 0;
};

// Pictures as a source: makes batches of a set that lives on the device. Every random choice is a
// pure function of (seed, epoch, sample's position in the set): batches may be asked for in any
// order, any number of times, and in parts. Nothing waits for the device. Targets that are no
// classes are given as they are, numbers in float64 where the inputs are and else in float32; rows
// of padding have those of some sample.
class Loader : public Source {
 public:
  // Throws DataError for an empty set.
  Loader(const ImageSet& set, const LoaderOptions& options);

  std::int64_t size() const override { return num_samples_; }
  // Throws Error for another device than the one that the samples were moved to.
  void set_format(const InputFormat& wanted) override;
  std::int64_t batch_size() const { return options_.batch_size; }  // samples
  // Whole batches: an epoch leaves out the remainder of its order. 0 when the batch exceeds the
  // set.
  std::int64_t train_batches() const { return num_samples_ / options_.batch_size; }
  // Every sample once, in order; the last batch is padded.
  std::int64_t evaluation_batches() const;

  // Batch `index` of an epoch, of train_batches(). Throws Error where there is no such batch.
  Batch train_batch(std::int64_t epoch, std::int64_t index);
  // Positions [first, first + count) of the epoch's order, whatever the batch size. Throws Error
  // where the set has no such positions.
  Batch train_rows(std::int64_t epoch, std::int64_t first, std::int64_t count);
  void seek(std::int64_t epoch, std::int64_t first) override;
  Batch rows(std::int64_t offset, std::int64_t count) override;
  void choose(const ChosenRows& chosen) override;
  Batch in_order(std::int64_t first, std::int64_t valid, std::int64_t count) override;
  Batch chosen(const at::Tensor& samples) override;
  // Batch `index` of evaluation_batches(). Throws Error where there is no such batch.
  Batch evaluation_batch(std::int64_t index);
  // Other images [N,C,H,W] of the set's type, on its device and contiguous, as in_order makes them:
  // resized, and the centre of side `crop` where that is not 0; the targets are 0. Any number of
  // threads may ask at once. Throws DataError where mean and std are not those of such images.
  Batch of_images(const at::Tensor& images, std::int64_t crop) const;

 private:
  // Makes the order, and with mixup the partners and weights, of `epoch`.
  void prepare(std::int64_t epoch);
  void augment(kernels::Gather& request) const;
  // Completes `request` (rows, augmentation and crop) with samples of `set` and runs it; `order`:
  // of samples, as Gather::order, or undefined.
  Batch gather(kernels::Gather request, const ImageSet& set, const at::Tensor& order = {}) const;
  // The samples that such a request reads, resized, as a set in which they keep their numbers.
  ImageSet resized_samples(const kernels::Gather& request, const ImageSet& set,
                           const at::Tensor& order) const;
  // With targets that are no classes: of the numbers of samples that gather() gave as labels.
  Batch with_targets(Batch batch) const;
  void set_targets();

  LoaderOptions options_;
  std::int64_t num_samples_ = 0;
  ImageSet set_;            // on the device, as stored; labels: classes, or numbers of the samples
  at::Tensor targets_;      // [N,...] on the device, as stored; undefined where they are classes
  at::Tensor told_;         // the same as batches have them
  at::Tensor mean_;         // [C] or [C*H*W] float64, in the units of the pixels
  at::Tensor inverse_std_;  // [C] float64
  std::optional<OnDevice<kernels::CropTables>> crop_tables_;  // for resized_crop
  OnDevice<kernels::GatherPosition> position_;
  // Of an epoch; each stays where it is when the epoch changes.
  at::Tensor order_;       // [N] of epoch_
  at::Tensor partner_;     // [N] int64 of epoch_, by sample; undefined without mixup
  at::Tensor mix_weight_;  // [N] float32 of epoch_, by sample; undefined without mixup
  std::optional<std::int64_t> epoch_;
  ChosenRows chosen_;
};

}  // namespace onecycle

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

struct TableEncoding;

// What the targets of samples are.
enum class TargetKind {
  classes,  // one of the classes: [N], int64
  values,   // numbers: [N, T], float64, standardised as TargetStatistics says
  labels    // any number of the labels: [N, L], uint8, 1 where a sample has the label
};

// The enumerator as text.
const char* name_of(TargetKind kind);
// "10 classes", "1 value".
std::string counted(std::int64_t number, TargetKind kind);

// The samples of one split, on the CPU.
struct ImageSet {
  // [M,C,H,W], uint8 or float32, contiguous; may lie in a mapped file. What is no picture: [M,...],
  // float32, of other numbers of dimensions, as a network takes it.
  at::Tensor images;
  at::Tensor labels;  // the targets, as TargetKind has them
  // [N], int64: sample i is images[rows[i]]; undefined where sample i is images[i]. Parts of a
  // large split share its images, so that memory holds them once.
  at::Tensor rows = {};

  // Samples [first, first + count), sharing the images.
  ImageSet part(std::int64_t first, std::int64_t count) const;

  // Samples.
  std::int64_t size() const { return labels.defined() ? labels.size(0) : 0; }
};

// A random part of the image, sampled to the network's size (bilinear, its edges repeated), as
// torchvision's RandomResizedCrop chooses it: the share of the area uniform, the logarithm of width
// / height uniform.
struct ResizedCrop {
  double scale_low = 0.08;  // share of the area
  double scale_high = 1;
  double ratio_low = 3.0 / 4;  // width / height
  double ratio_high = 4.0 / 3;

  bool operator==(const ResizedCrop&) const = default;
};

// Factors drawn uniformly from [max(0, 1 - x), 1 + x], applied in this order as torchvision's
// adjust_brightness, adjust_contrast and adjust_saturation do. For 1 or 3 channels.
struct ColourJitter {
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;

  // Whether it changes anything.
  bool any() const { return brightness > 0 || contrast > 0 || saturation > 0; }
  bool operator==(const ColourJitter&) const = default;
};

// Of each sample's normalised values v: (v + a) * b, with one a, uniform in [-shift, shift), and
// one b, in [1 - scale, 1 + scale), for all of them. Nothing is clamped. For 1 or 3 channels.
struct ValueJitter {
  double shift = 0;
  double scale = 0;

  // Whether it changes anything.
  bool any() const { return shift > 0 || scale > 0; }
  bool operator==(const ValueJitter&) const = default;
};

// What a training batch undergoes beside the batch kernel's own part. On the batch's device,
// without waiting for it. Random numbers are ATen's, which the loop seeds anew before every step,
// so that they depend on the step and the rank.
class Augmentation {
 public:
  virtual ~Augmentation() = default;
  // inputs [N,C,H,W], normalised -> the same sizes and dtype.
  virtual at::Tensor apply(const at::Tensor& inputs) const = 0;
};

// What training batches undergo, at the size that DataSet::resize makes: the crop, flip,
// colour_jitter, value_jitter, cutout, mixup, and then the others.
struct Augment {
  std::int64_t pad_crop = 0;  // pixels of black around the image before a random crop of its size
  bool flip = false;          // left to right, one time in two
  std::int64_t cutout = 0;    // side of a random square set to the mean colour, pixels
  // Alpha of mixup (arXiv 1710.09412), 0 = off: a sample becomes w of itself and 1 - w of another,
  // each augmented as above and normalised, with w from Beta(alpha, alpha), the larger of w, 1 - w.
  double mixup = 0;
  std::optional<ResizedCrop> resized_crop = {};  // in place of pad_crop
  ColourJitter jitter = {};
  bool flip_alternates = false;  // `flip` chooses once a sample; every odd epoch mirrors all
  bool pad_reflects = false;     // pad_crop's border is the image mirrored, not black
  std::vector<std::shared_ptr<const Augmentation>> others = {};
  ValueJitter values = {};

  bool operator==(const Augment&) const = default;
};

// Bounds of DataSet's mean and std: in fp32 neither (pixel - mean) / std nor 1 / std overflows.
inline constexpr double kLeastDeviation = 1e-30;
// The upper one.
inline constexpr double kLargestDeviation = 1e30;

// What the targets of the training part are like.
struct TargetStatistics {
  std::vector<std::string> names;    // of the values
  std::vector<double> mean;          // of the values: a target is (value - mean) / std
  std::vector<double> std;           // population's; 1 where a value is constant
  std::vector<std::int64_t> counts;  // samples of each class, or with each label
};

// A data set as a run takes it.
struct DataSet {
  std::string name;
  ImageSet train;
  ImageSet validation;               // held out of the training split; may be empty
  ImageSet test;                     // only ever reported
  std::vector<std::string> classes;  // or the labels; none where targets are values
  TargetKind target_kind = TargetKind::classes;
  TargetStatistics targets;
  std::shared_ptr<const TableEncoding> table;  // how rows became samples, where they were rows
  // A pixel becomes (pixel - mean) / std, where a uint8 pixel counts as pixel / 255. mean has one
  // value a channel, or one a pixel in the order [C,H,W] (a mean image); std one a channel. Of what
  // is no picture: what was done to every number of the samples, which are standardised already, or
  // to all of them where it is one value; both empty: nothing was, or `table` says it.
  std::vector<double> mean;
  std::vector<double> std;
  bool read_from_host = false;  // a GPU reads the images in the memory of the host
  // Side of the square that a network sees of an image, stored or resized; 0: all of it.
  std::int64_t crop = 0;
  // What the shorter side of images becomes, bilinearly, a batch at a time and before anything else
  // is done to them; 0: they stay as they are stored. Not with a mean image.
  std::int64_t resize = 0;

  // Whether samples are [C,H,W]: what the batch kernel and augmentations work on.
  bool is_pictures() const { return train.images.dim() == 4; }
  // Sizes of one sample, as a network sees it.
  std::vector<std::int64_t> sample_shape() const;
  // Numbers that a network is to give for a sample: one a class, a label or a value.
  std::int64_t outputs() const;

  // This and the next two: of what a network sees; of what is no picture all its numbers, 1 and 1.
  std::int64_t channels() const;
  // In pixels.
  std::int64_t height() const;
  // In pixels.
  std::int64_t width() const;
};

// Population mean and standard deviation per channel, uint8 pixels scaled to 0..1.
struct ChannelStatistics {
  std::vector<double> mean;
  std::vector<double> std;
};
// Of `rows` where it is defined (ImageSet::rows), then of 16,384 evenly spread ones at most: the
// images may not fit memory.
ChannelStatistics channel_statistics(const at::Tensor& images, const at::Tensor& rows = {});

// Mean over the images at each pixel and channel: C*H*W values in the order [C,H,W], uint8 pixels
// scaled to 0..1. Sums of uint8 pixels are exact, sums of float32 pixels are made in float64.
std::vector<double> mean_image(const at::Tensor& images, const at::Tensor& rows = {});

// What a split holds.
struct SplitSummary {
  std::string name;  // "train", "validation", "test"
  std::int64_t samples = 0;
  std::vector<std::int64_t> per_class;  // or with each label; none where targets are values
  ChannelStatistics statistics;         // of pictures
};
// What a data set holds.
struct DataSummary {
  std::string name;
  std::string type;  // "uint8" or "float32"
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::string> classes;
  std::vector<std::int64_t> sample_shape;  // channels, height, width of stored pictures
  TargetKind target_kind = TargetKind::classes;
  TargetStatistics targets;
  std::vector<SplitSummary> splits;  // those with samples
};
// Counts samples and classes, and measures each split.
DataSummary describe_data(const DataSet& data);

}  // namespace onecycle

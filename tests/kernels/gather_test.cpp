#include "kernels/batch/gather.h"

#include "onecycle/error.h"
#include "onecycle/on_device.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

namespace onecycle::kernels {
namespace {

struct Case {
  at::ScalarType in;
  at::ScalarType out;
  bool channels_last;
  bool augmented;
  bool mean_image = false;
  bool mixed = false;
  bool reflected = false;
  bool positioned = false;
};

constexpr std::int64_t kSamples = 9, kChannels = 3, kHeight = 10, kWidth = 7, kBatch = 6;
const std::vector<double> kMean = {0.3, 0.5, 0.2};
const std::vector<double> kStd = {0.25, 0.2, 0.4};

at::Tensor random_images(at::ScalarType type) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  const at::Tensor bytes =
      at::randint(0, 256, {kSamples, kChannels, kHeight, kWidth}, generator, at::kByte);
  return type == at::kByte ? bytes : bytes.to(at::kFloat) / 100 - 1;
}

std::vector<double> mean_image_values() {
  std::vector<double> values;
  for (std::int64_t i = 0; i < kChannels * kHeight * kWidth; ++i)
    values.push_back(static_cast<double>(i * 37 % 101) / 101);
  return values;
}

double white(at::ScalarType type) { return type == at::kByte ? 255 : 1; }

ScalarType element_of(at::ScalarType type) {
  return type == at::kFloat    ? ScalarType::f32
         : type == at::kDouble ? ScalarType::f64
         : type == at::kHalf   ? ScalarType::f16
                               : ScalarType::bf16;
}

// The tensors behind a Gather, which holds bare pointers.
struct Fixture {
  explicit Fixture(const Case& c)
      : images(random_images(c.in)),
        labels(at::arange(kSamples, at::kLong) * 10),
        order(at::tensor({4, 4, 8, 0, 3, 1, 7, 2, 5}, at::kLong)),
        mean(at::tensor(c.mean_image ? mean_image_values() : kMean, at::kDouble) * white(c.in)),
        inverse_std(1 / (at::tensor(kStd, at::kDouble) * white(c.in))),
        out(at::full({kBatch, kChannels, kHeight, kWidth}, 77, c.out)
                .contiguous(c.channels_last ? at::MemoryFormat::ChannelsLast
                                            : at::MemoryFormat::Contiguous)),
        out_labels(at::full({kBatch}, 77, at::kLong)),
        partner(at::tensor({3, 8, 2, 1, 0, 5, 4, 4, 6}, at::kLong)),
        mix_weight(at::tensor({.5, .6, .7, .8, .9, 1., .55, .75, .95}, at::kFloat)),
        mix_labels(at::full({kBatch}, 77, at::kLong)),
        out_mix_weight(at::full({kBatch}, 77, at::kFloat)),
        position(at::kCPU, {2, 3}) {
    gather.mean_image = c.mean_image;
    point(c.mixed);
    gather.pixel = c.in == at::kByte ? Pixel::uint8 : Pixel::float32;
    gather.channels = kChannels;
    gather.height = kHeight;
    gather.width = kWidth;
    gather.offset = 1;
    gather.valid = kBatch;
    gather.element = element_of(c.out);
    gather.channels_last = c.channels_last;
    gather.batch = kBatch;
    if (c.augmented) {
      gather.seed = 11;
      gather.epoch = 2;
      gather.pad_crop = 3;
      gather.flip = true;
      gather.cutout = 5;
      gather.pad_reflects = c.reflected;
    }
    if (c.positioned) {  // the numbers that it stands in for are others
      gather.offset = -1;
      gather.epoch = 99;
      gather.position = position.data();
    }
  }

  void point(bool mixed) {
    if (mixed) {
      gather.partner = partner.const_data_ptr<std::int64_t>();
      gather.mix_weight = mix_weight.const_data_ptr<float>();
      gather.out_mix_labels = mix_labels.mutable_data_ptr<std::int64_t>();
      gather.out_mix_weight = out_mix_weight.mutable_data_ptr<float>();
    }
    if (gather.position != nullptr) gather.position = position.data();
    gather.images = images.const_data_ptr();
    gather.labels = labels.const_data_ptr<std::int64_t>();
    gather.order = order.const_data_ptr<std::int64_t>();
    gather.mean = mean.const_data_ptr<double>();
    gather.inverse_std = inverse_std.const_data_ptr<double>();
    gather.out = out.mutable_data_ptr();
    gather.out_labels = out_labels.mutable_data_ptr<std::int64_t>();
  }

  at::Tensor images, labels, order, mean, inverse_std, out, out_labels;
  at::Tensor partner, mix_weight, mix_labels, out_mix_weight;
  OnDevice<GatherPosition> position;
  Gather gather;
};

using Normalise = std::function<at::Tensor(const at::Tensor& pixels)>;

at::Tensor per_channel(const std::vector<double>& values, at::ScalarType type) {
  return at::tensor(values, at::kDouble).to(type).view({kChannels, 1, 1});
}

// By the definition, in float64.
at::Tensor normalised(const at::Tensor& pixels) {
  at::Tensor scaled = pixels.to(at::kDouble);
  if (pixels.scalar_type() == at::kByte) scaled = scaled / 255;
  return (scaled - per_channel(kMean, at::kDouble)) / per_channel(kStd, at::kDouble);
}

// Along a dimension, by ATen's own padding of the places.
at::Tensor reflection_padded(const at::Tensor& image, std::int64_t dim, std::int64_t pad) {
  const at::Tensor places = at::arange(image.size(dim), at::kDouble).view({1, 1, -1});
  return image.index_select(dim, at::reflection_pad1d(places, {pad, pad}).flatten().to(at::kLong));
}

// The plain way, one sample at a time: pad, crop, flip, normalise, cut out.
at::Tensor reference(const Fixture& f, std::int64_t sample, const Normalise& normalise) {
  at::Tensor image = f.images[sample];
  const Gather& g = f.gather;
  const Placement place = placement(g, sample);
  const std::int64_t pad = g.pad_crop;
  if (pad > 0) {
    image = g.pad_reflects ? reflection_padded(reflection_padded(image, 1, pad), 2, pad)
                           : at::constant_pad_nd(image, {pad, pad, pad, pad}, 0);
    image = image.narrow(1, pad + place.shift_y, kHeight).narrow(2, pad + place.shift_x, kWidth);
  }
  if (place.flipped) image = image.flip({2});
  image = normalise(image).clone();
  for (std::int64_t y = 0; y < kHeight && g.cutout > 0; ++y)
    for (std::int64_t x = 0; x < kWidth; ++x)
      if (y >= place.cut_top && y < place.cut_bottom && x >= place.cut_left && x < place.cut_right)
        image.select(1, y).select(1, x).zero_();
  return image;
}

at::Tensor reference_batch(const Fixture& f, const Normalise& normalise = normalised) {
  std::vector<at::Tensor> rows;
  for (std::int64_t b = 0; b < kBatch; ++b)
    rows.push_back(reference(f, f.order[1 + b].item<std::int64_t>(), normalise));
  return at::stack(rows);
}

double tolerance(at::ScalarType out) {
  if (out == at::kDouble) return 1e-14;
  return out == at::kFloat ? 2e-6 : 1.0 / 64;  // bfloat16: half a unit in the last place below 8
}

class GatherCase : public testing::TestWithParam<Case> {};

TEST_P(GatherCase, EqualsThePlainWay) {
  Fixture f(GetParam());
  gather_cpu(f.gather, 0, kBatch);
  const double worst = (f.out.to(at::kDouble) - reference_batch(f)).abs().max().item<double>();
  EXPECT_LE(worst, tolerance(GetParam().out));
  EXPECT_TRUE(f.out_labels.equal(f.labels.index_select(0, f.order.narrow(0, 1, kBatch))));
}

// To the bit: one difference and one product in float32 or float64; float32 becomes bfloat16 to the
// nearest, ties to even.
TEST_P(GatherCase, RoundsLikeATen) {
  Fixture f(GetParam());
  const at::ScalarType out = GetParam().out;
  const at::ScalarType work = out == at::kDouble ? at::kDouble : at::kFloat;
  const auto column = [&](const at::Tensor& values) { return values.to(work).view({3, 1, 1}); };
  gather_cpu(f.gather, 0, kBatch);
  const at::Tensor want = reference_batch(f, [&](const at::Tensor& pixels) {
    return (pixels.to(work) - column(f.mean)) * column(f.inverse_std);
  });
  EXPECT_TRUE(f.out.equal(want.to(out)));
}

TEST_P(GatherCase, PadsWithZerosAndLabelMinusOne) {
  Fixture f(GetParam());
  f.gather.valid = 4;
  gather_cpu(f.gather, 0, kBatch);
  EXPECT_EQ(f.out.narrow(0, 4, 2).abs().sum().item<double>(), 0);
  EXPECT_TRUE(f.out_labels.narrow(0, 4, 2).equal(at::tensor({-1, -1}, at::kLong)));
  EXPECT_TRUE(f.out_labels.narrow(0, 0, 4).ge(0).all().item<bool>());
}

TEST_P(GatherCase, ARangeTouchesItsRowsAlone) {
  Fixture whole(GetParam()), parts(GetParam());
  gather_cpu(whole.gather, 0, kBatch);
  gather_cpu(parts.gather, 0, 2);
  EXPECT_TRUE(parts.out.narrow(0, 2, 4).eq(77).all().item<bool>());
  gather_cpu(parts.gather, 2, kBatch);
  EXPECT_TRUE(parts.out.equal(whole.out));
  EXPECT_TRUE(parts.out_labels.equal(whole.out_labels));
}

// To the bit, by ATen, from two batches that are not mixed: samples and partners.
TEST_P(GatherCase, MixesTwoSamples) {
  for (const bool mean_image : {false, true}) {
    Case c = GetParam();
    c.mean_image = mean_image;
    const at::ScalarType out = c.out;
    c.mixed = true;
    Fixture mixed(c);
    mixed.gather.valid = 5;
    gather_cpu(mixed.gather, 0, kBatch);
    c.mixed = false;
    c.out = out == at::kDouble ? at::kDouble : at::kFloat;
    Fixture own(c), other(c);
    other.order = own.partner.index_select(0, own.order);
    other.point(false);
    gather_cpu(own.gather, 0, kBatch);
    gather_cpu(other.gather, 0, kBatch);
    const at::Tensor weight = own.mix_weight.index_select(0, own.order.narrow(0, 1, kBatch));
    const at::Tensor w = weight.to(c.out).view({kBatch, 1, 1, 1});
    const at::Tensor want = (own.out * w + other.out * (1 - w)).to(out);
    EXPECT_TRUE(mixed.out.narrow(0, 0, 5).equal(want.narrow(0, 0, 5)));
    EXPECT_TRUE(mixed.mix_labels.narrow(0, 0, 5).equal(other.out_labels.narrow(0, 0, 5)));
    EXPECT_TRUE(mixed.out_mix_weight.narrow(0, 0, 5).equal(weight.narrow(0, 0, 5)));
    EXPECT_EQ(mixed.out[5].abs().sum().item<double>(), 0);
    EXPECT_EQ(mixed.mix_labels[5].item<std::int64_t>(), -1);
    EXPECT_EQ(mixed.out_mix_weight[5].item<float>(), 1);
  }
}

// What a recorded step reads in memory does as the numbers of a request do.
TEST_P(GatherCase, ReadsItsPosition) {
  Case c = GetParam();
  Fixture told(c);
  told.gather.epoch = 3;
  c.positioned = true;
  Fixture reads(c);
  gather_cpu(told.gather, 0, kBatch);
  gather_cpu(reads.gather, 0, kBatch);
  EXPECT_TRUE(reads.out.equal(told.out));
  EXPECT_TRUE(reads.out_labels.equal(told.out_labels));
  reads.position.write({3, 4});
  told.gather.offset = 2;
  told.gather.epoch = 4;
  gather_cpu(told.gather, 0, kBatch);
  gather_cpu(reads.gather, 0, kBatch);
  EXPECT_TRUE(reads.out.equal(told.out));
  EXPECT_TRUE(reads.out_labels.equal(told.out_labels));
}

// Subtracted at the source, before anything moves; padding and cutout are 0.
TEST_P(GatherCase, SubtractsAMeanImage) {
  Case c = GetParam();
  c.mean_image = true;
  Fixture f(c);
  gather_cpu(f.gather, 0, kBatch);
  const auto work = c.out == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor mean = f.mean.to(work).view({kChannels, kHeight, kWidth});
  const at::Tensor scale = f.inverse_std.to(work).view({kChannels, 1, 1});
  Fixture centred(c);
  centred.images = (f.images.to(work) - mean) * scale;
  const at::Tensor want = reference_batch(centred, [](const at::Tensor& values) { return values; });
  EXPECT_TRUE(f.out.equal(want.to(c.out)));
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto in : {at::kByte, at::kFloat})
    for (const auto out : {at::kFloat, at::kBFloat16, at::kHalf, at::kDouble})
      for (const bool channels_last : {false, true})
        for (const bool augmented : {false, true})
          for (const bool reflected : {false, true})
            if (augmented || !reflected)
              cases.push_back({in, out, channels_last, augmented, false, false, reflected});
  return cases;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  return std::string(c10::toString(c.in)) + "_to_" + c10::toString(c.out) +
         (c.channels_last ? "_nhwc" : "_nchw") + (c.augmented ? "_augmented" : "") +
         (c.reflected ? "_reflected" : "");
}

INSTANTIATE_TEST_SUITE_P(Gather, GatherCase, testing::ValuesIn(all_cases()), case_name);

// `gather` reads and writes the fixture's tensors, moved to the GPU.
void move_to_gpu(Fixture& f) {
  for (at::Tensor* tensor :
       {&f.images, &f.labels, &f.order, &f.mean, &f.inverse_std, &f.out, &f.out_labels, &f.partner,
        &f.mix_weight, &f.mix_labels, &f.out_mix_weight})
    *tensor = tensor->to(at::kCUDA);
  f.position = OnDevice<GatherPosition>(at::kCUDA, f.position.read());
  f.point(f.gather.mixes());
}

TEST(Gather, CudaEqualsCpu) {
  if (!has_cuda_kernels()) GTEST_SKIP() << "this build has no CUDA kernels";
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  std::vector<Case> cases = all_cases();
  for (Case c : all_cases())
    for (const auto& [mean_image, mixed] : {std::pair{true, false}, {false, true}, {true, true}}) {
      c.mean_image = mean_image;
      c.mixed = mixed;
      cases.push_back(c);
    }
  for (Case c : all_cases()) {
    c.positioned = true;
    cases.push_back(c);
  }
  for (const Case& c : cases) {
    Fixture cpu(c), gpu(c);
    cpu.gather.valid = gpu.gather.valid = 5;
    gather_cpu(cpu.gather, 0, kBatch);
    move_to_gpu(gpu);
    gather_cuda(gpu.gather, nullptr);
    EXPECT_TRUE(gpu.out.cpu().equal(cpu.out)) << case_name({c, 0});
    EXPECT_TRUE(gpu.out_labels.cpu().equal(cpu.out_labels)) << case_name({c, 0});
    EXPECT_TRUE(gpu.mix_labels.cpu().equal(cpu.mix_labels)) << case_name({c, 0});
    EXPECT_TRUE(gpu.out_mix_weight.cpu().equal(cpu.out_mix_weight)) << case_name({c, 0});
  }
}

TEST(Gather, Bfloat16TiesGoToEven) {
  Fixture f({at::kFloat, at::kBFloat16, false, false});
  f.images.copy_((1 + at::arange(f.images.numel(), at::kFloat) / 256).view(f.images.sizes()));
  f.mean.zero_();
  f.inverse_std.fill_(1);
  gather_cpu(f.gather, 0, kBatch);
  const at::Tensor gathered = f.images.index_select(0, f.order.narrow(0, 1, kBatch));
  EXPECT_TRUE(f.out.equal(gathered.to(at::kBFloat16)));
}

TEST(Gather, WithoutCudaSaysSo) {
  if (has_cuda_kernels()) GTEST_SKIP() << "this build has CUDA kernels";
  EXPECT_THROW(gather_cuda({}, nullptr), Error);
}

// A crop can leave the picture: more padding than pixels.
TEST(Gather, CropWiderThanTheImage) {
  Fixture f({at::kByte, at::kFloat, false, true});
  f.gather.pad_crop = 40;
  gather_cpu(f.gather, 0, kBatch);
  const double worst = (f.out.to(at::kDouble) - reference_batch(f)).abs().max().item<double>();
  EXPECT_LE(worst, tolerance(at::kFloat));
}

}  // namespace
}  // namespace onecycle::kernels

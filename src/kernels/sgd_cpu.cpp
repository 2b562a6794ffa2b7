#include "kernels/sgd.h"
#include "kernels/sgd_element.h"

namespace onecycle::kernels {

namespace {

inline float widened(float value) { return value; }
inline double widened(double value) { return value; }
inline float widened(BFloat16 value) { return to_float(value); }

template <MomentumForm kForm, bool kNesterov, class T, class G>
void update(const SgdTensor& tensor, std::int64_t begin, std::int64_t end,
            const SgdScalars<T>& scalars) {
  T* __restrict weight = static_cast<T*>(tensor.weight);
  T* __restrict velocity = static_cast<T*>(tensor.velocity);
  const G* __restrict gradient = static_cast<const G*>(tensor.gradient);
  for (std::int64_t i = begin; i < end; ++i)
    sgd_element<kForm, kNesterov, T>(weight[i], velocity[i], static_cast<T>(widened(gradient[i])),
                                     scalars);
  if (tensor.copy == nullptr) return;
  BFloat16* __restrict copy = static_cast<BFloat16*>(tensor.copy);
  for (std::int64_t i = begin; i < end; ++i) copy[i] = to_bfloat16(static_cast<float>(weight[i]));
}

template <class T, class G>
void dispatch(const SgdTensor& tensor, std::int64_t begin, std::int64_t end, const UpdateRule& rule,
              const double* hyper) {
  const auto scalars = sgd_scalars<T>(tensor, rule, hyper);
  using Form = MomentumForm;
  const auto run = [&]<Form kForm>() {
    if (rule.nesterov) {
      update<kForm, true, T, G>(tensor, begin, end, scalars);
    } else {
      update<kForm, false, T, G>(tensor, begin, end, scalars);
    }
  };
  switch (rule.form) {
    case Form::torch:
      return run.template operator()<Form::torch>();
    case Form::ema:
      return run.template operator()<Form::ema>();
    case Form::caffe:
      return run.template operator()<Form::caffe>();
  }
}

}  // namespace

void sgd_cpu(const SgdTensor& tensor, std::int64_t begin, std::int64_t end, const UpdateRule& rule,
             const double* hyper) {
  const bool narrow = tensor.gradient_type == ScalarType::bf16;
  if (tensor.type == ScalarType::f64) {
    narrow ? dispatch<double, BFloat16>(tensor, begin, end, rule, hyper)
           : dispatch<double, double>(tensor, begin, end, rule, hyper);
  } else {
    narrow ? dispatch<float, BFloat16>(tensor, begin, end, rule, hyper)
           : dispatch<float, float>(tensor, begin, end, rule, hyper);
  }
}

}  // namespace onecycle::kernels

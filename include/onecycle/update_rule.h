#pragma once

namespace onecycle {

// How the velocity v enters the update (g: gradient, m: momentum).
enum class MomentumForm {
  torch,  // v <- m v + g;        w <- w - lr v        (PyTorch, fastai); Nesterov: g + m v
  ema,    // v <- m v + (1-m) g;  w <- w - lr v        (the textbooks' weighted average)
  caffe,  // v <- m v + lr g;     w <- w - v           (Caffe); Nesterov: (1+m) v - m v_old
};

// How weight decay (lambda) acts beside the gradient step.
enum class DecayMode {
  decoupled,    // w <- w (1 - lr lambda)             (PyTorch AdamW, fastai)
  independent,  // w <- w (1 - (lr / lr_max) lambda)  (Loshchilov & Hutter's eta_t lambda)
  l2,           // g <- g + lambda w, before momentum (Caffe; torch SGD's weight_decay)
};

// What becomes of a gradient.
struct UpdateRule {
  MomentumForm form = MomentumForm::torch;
  bool nesterov = false;
  DecayMode decay = DecayMode::decoupled;
  double lr_max = 1;      // the schedule's peak; read by `independent` alone
  bool adaptive = false;  // gradients are divided by their own size, as AdamW does
};

// What an update reads where it runs, so that a recorded step replays under any schedule.
struct StepNumbers {
  double lr = 0;
  double momentum = 0;  // AdamW's beta1
  double weight_decay = 0;
  double update = 0;  // its number, from 1, for bias corrections
};

}  // namespace onecycle

// A program of one training, over and over, in turns, for bench/run:
//   bench_custom_module [THREADS]

#include "turns.h"

#include <ATen/Parallel.h>

int train_once();  // its main()

int main(int count, char** arguments) {
  if (count > 1) at::set_num_threads(std::atoi(arguments[1]));
  onecycle::Turns turns;
  while (train_once() == 0) turns.done();
  std::cerr << arguments[0] << ": it has not learnt\n";
  return 1;
}

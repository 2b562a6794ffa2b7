#include "cli/program.h"

int main(int argc, char** argv) { return onecycle::run_program(argc, argv); }

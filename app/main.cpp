#include <malloc.h>

#include <exception>
#include <iostream>

#include "app/cli.hpp"
#include "app/exit_code.hpp"

int main(int argc, char** argv) {
  // Large buffers go back to the system when they are freed: glibc would keep them, and memory
  // would not be flat.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  try {
    return sluice::app::run_program(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "pgsluice: " << error.what() << "\n";
    return sluice::app::exit_failed;
  }
}

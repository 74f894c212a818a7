# The program that is started. All it does is kept in a module, because only modules are loaded from compiled bytecode.
import sys

sys.dont_write_bytecode = True
import nephos_runtime

nephos_runtime.main()

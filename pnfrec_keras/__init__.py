"""PNFRec in Keras 3: sequences, network, losses, measures, training and export. Imports neither TFX nor Beam."""
